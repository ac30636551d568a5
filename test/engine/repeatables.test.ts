import { describe, expect, it } from 'vitest';
import { readLedger } from '../../lib/adapters/postgres/index.ts';
import {
  dryRun,
  type EngineEvent,
  migrate,
  readLastRun,
  readPlan,
  readRepeatables,
  waitUntilApplied,
} from '../../lib/engine/index.ts';
import { failureOf, LEFT_BEHIND, type Site, SLEEPING, siteForTest, sourceOf } from './site.ts';

/** Without any constraint: whatever ran twice shows. */
const TABLES = {
  '0001_tables.sql': 'CREATE TABLE users (id int, active bool); CREATE TABLE ran (what text);',
};
const NEXT = {
  '0002_next.sql': 'ALTER TABLE users ADD COLUMN name text;',
  '0002_next.down.sql': 'ALTER TABLE users DROP COLUMN name;',
};

const view = (where: string, name = 'active') => ({
  [`R_${name}.sql`]: `-- ${name}\nCREATE OR REPLACE VIEW ${name} AS SELECT id FROM users WHERE ${where};\nINSERT INTO ran VALUES ('${name}');`,
});
const VIEW = view('active');
const ALL = { ...TABLES, ...VIEW };

const ran = async (site: Site) =>
  (await site.rows<{ what: string }>('SELECT what FROM ran')).map(({ what }) => what);
const ROWS = 'SELECT name, ordinal, token::int FROM lockstep.repeatable ORDER BY id';

describe('a repeatable object', () => {
  it('is applied after the revisions, again when its text changes, and not for layout or comments', async () => {
    const site = await siteForTest();
    const first = await site.up({ ...ALL, ...view('true', 'all_users'), ...view('id > 0', 'B') });
    expect(first.applied).toEqual(['0001_tables', 'R_B', 'R_active', 'R_all_users']);
    expect((await site.up(ALL)).outcome).toBe('nothing-pending');
    const cosmetic = {
      'R_active.sql': VIEW['R_active.sql']!.replace('-- active', '/* why */')
        .replaceAll('\n', '\r\n')
        .replace('WHERE', '\n  where'),
    };
    expect((await site.up({ ...TABLES, ...cosmetic })).outcome).toBe('nothing-pending');
    expect(await ran(site)).toEqual(['B', 'active', 'all_users']);

    const changed = { ...ALL, ...NEXT, ...view("active AND name <> ''") };
    expect((await site.up(changed)).applied).toEqual(['0002_next', 'R_active']);
    expect(await ran(site)).toEqual(['B', 'active', 'all_users', 'active']);
    expect(await site.rows(ROWS)).toMatchObject([
      { name: 'B' },
      { name: 'active', ordinal: 1 },
      { name: 'all_users' },
      { name: 'active', ordinal: 2 },
    ]);
    expect(await site.rows("SELECT pg_get_viewdef('active'::regclass) ~ 'name' AS is_new")).toEqual([
      { is_new: true },
    ]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('is in the plan, the history, and the record of the run; an instance waits for it', async () => {
    const site = await siteForTest();
    await site.up(TABLES);
    const context = { ...site.context(), source: sourceOf(ALL) };
    expect((await readPlan(context)).plan).toMatchObject({
      outcome: 'pending',
      pending: [],
      repeatables: [{ name: 'active', ordinal: 1 }],
    });
    const error = await failureOf(waitUntilApplied({ ...context, timeoutMs: 0 }));
    expect(error).toMatchObject({ code: 'LS405', what: expect.stringContaining('the first is R_active') });
    const waiting = waitUntilApplied({ ...context, timeoutMs: 20_000 });
    const events: EngineEvent[] = [];
    await site.up(ALL, { holder: 'host:1:a', on: (event) => events.push(event) });
    expect((await waiting).plan.outcome).toBe('nothing-pending');
    expect(events).toMatchObject([
      { kind: 'attempt-begun' },
      { kind: 'lease-acquired' },
      { kind: 'step-started', migration: 'R_active' },
      { kind: 'migration-done', migration: 'R_active', direction: 'up' },
    ]);
    expect(await readLastRun(site.context())).toMatchObject({
      runId: 'host:1:a',
      verdict: 'applied',
      applied: ['R_active'],
    });
    expect(await readRepeatables(site.context())).toMatchObject([
      { name: 'active', runId: 'host:1:a', durationMs: expect.any(Number) },
    ]);
  });

  it('is tried by a dry run, too, and is not there afterwards', async () => {
    const site = await siteForTest();
    const { tried } = await dryRun({ ...site.context(), source: sourceOf(ALL) });
    expect(tried).toMatchObject([{ migration: '0001_tables' }, { migration: 'R_active' }]);
    expect(await site.rows("SELECT to_regclass('active') AS active")).toEqual([{ active: null }]);
  });

  it('that fails says where, leaves no trace, keeps what came before it, and is tried again', async () => {
    const site = await siteForTest();
    const broken = {
      'R_broken.sql': `INSERT INTO ran VALUES ('broken');\nCREATE VIEW broken AS\n  SELECT nowhere FROM users;`,
    };
    const error = await failureOf(site.up({ ...ALL, ...broken, ...view('true', 'zulu') }));
    expect(error).toMatchObject({
      code: 'LS601',
      position: { file: 'R_broken.sql', line: 3, column: 10 },
      state:
        'R_broken was rolled back as a whole and left no trace; the migrations applied before it stay so.',
      context: { sqlstate: '42703', migration: 'R_broken' },
    });
    expect(await ran(site)).toEqual(['active']);
    const { current, repeatables } = await readLedger(await site.session());
    expect([current.length, repeatables.map(({ name }) => name)]).toEqual([1, ['active']]);
    expect(await readLastRun(site.context())).toMatchObject({
      verdict: 'failed',
      applied: ['0001_tables', 'R_active'],
    });
    expect((await site.up({ ...ALL, ...view('true', 'broken') })).applied).toEqual(['R_broken']);
  });

  it.each([
    ['ends its own transaction', 'COMMIT', 'LS601'],
    ['gives up the lock', 'PERFORM pg_advisory_unlock_all()', 'LS608'],
  ])('that %s is refused, with nothing of it left', async (_, statement, code) => {
    const site = await siteForTest();
    await site.up(ALL);
    const bad = `INSERT INTO ran VALUES ('bad');\nDO $$ BEGIN ${statement}; END $$;`;
    expect(await failureOf(site.up({ ...ALL, 'R_bad.sql': bad }))).toMatchObject({ code });
    expect(await ran(site)).toEqual(['active']);
    expect(await site.rows(ROWS)).toHaveLength(1);
  });

  it('of a bundle that was made by hand and commits by itself is LS602, and what comes after is rolled back', async () => {
    const site = await siteForTest();
    const [before, rest] = ["INSERT INTO ran VALUES ('first')", "INSERT INTO public.ran VALUES ('second')"];
    const sql = `${before};COMMIT;BEGIN;${rest}`;
    const source = sourceOf(ALL);
    const [active] = await source.loadRepeatables(['active']);
    const statements = [...sql.matchAll(/[^;]+/g)].map(({ 0: text, index }) => ({
      start: index,
      end: index + text.length,
      kind: 'SelectStmt',
      transactional: true,
    }));
    const script = { ...active!.script, sql, statements };
    const loadRepeatables = async () => [{ ...active!, script }];
    const error = await failureOf(migrate({ ...site.context(), source: { ...source, loadRepeatables } }));
    expect(error).toMatchObject({ code: 'LS602' });
    expect(await ran(site)).toEqual(['first']);
  });

  it('is applied once, whoever else starts at the same time', async () => {
    const site = await siteForTest();
    await site.up(TABLES);
    const all = await Promise.all(Array.from({ length: 10 }, () => site.up(ALL)));
    expect(all.filter((result) => result.ran)).toMatchObject([{ applied: ['R_active'] }]);
    expect(await ran(site)).toEqual(['active']);
  });

  it('is rolled back when its session ends in the middle, and applied by the next attempt', async () => {
    const site = await siteForTest();
    await site.up(TABLES);
    const gate = 'CREATE TABLE IF NOT EXISTS gate ()';
    await site.rows(gate);
    const slow = {
      'R_slow.sql': `INSERT INTO ran VALUES ('slow'); SELECT CASE WHEN to_regclass('gate') IS NOT NULL THEN pg_sleep(60) END;`,
    };
    const up = site.up({ ...TABLES, ...slow });
    await site.until(SLEEPING);
    await site.rows(`DROP TABLE gate; SELECT pg_terminate_backend(pid) FROM (${SLEEPING}) s`);
    expect(await up).toMatchObject({ outcome: 'applied', applied: ['R_slow'] });
    expect(await ran(site)).toEqual(['slow']);
    expect(await site.rows(ROWS)).toEqual([{ name: 'slow', ordinal: 1, token: expect.any(Number) }]);
  });

  it('is left for the next call when the time is over', async () => {
    const site = await siteForTest();
    const source = { ...ALL, ...view('true', 'late') };
    let steps = 0;
    const timeLeftMs = () => (steps < 2 ? 60_000 : 500);
    const on = (event: EngineEvent) => {
      if (event.kind === 'migration-done') steps += 1;
    };
    const first = await site.attempt(source, { runId: 'run', timeLeftMs, on });
    expect(first).toMatchObject({
      outcome: 'more',
      applied: ['0001_tables', 'R_active'],
      notApplied: ['R_late'],
    });
    expect(await site.attempt(source, { runId: 'run' })).toMatchObject({
      outcome: 'applied',
      applied: ['R_late'],
    });
    expect(await ran(site)).toEqual(['active', 'late']);
  });
});

describe('repeatable objects of other bundles', () => {
  it('of an older one, on a database that is ahead, change nothing', async () => {
    const site = await siteForTest();
    await site.up(ALL);
    await site.up({ ...ALL, ...NEXT, ...view("name <> ''") });
    const { outcome, ran: didRun } = await site.up(ALL);
    expect({ outcome, didRun }).toEqual({ outcome: 'ahead', didRun: false });
    expect(await ran(site)).toEqual(['active', 'active']);
  });

  it('are applied once more after a revert, which may have taken them away', async () => {
    const site = await siteForTest();
    const dropping = {
      ...NEXT,
      '0002_next.down.sql': 'DROP VIEW active; ALTER TABLE users DROP COLUMN name;',
    };
    await site.up({ ...TABLES, ...dropping, ...view("name <> ''") });
    await site.down({ kind: 'count', count: 1 });
    expect((await site.up({ ...TABLES, ...dropping, ...view("name <> ''") })).applied).toEqual([
      '0002_next',
      'R_active',
    ]);
    await site.down({ kind: 'count', count: 1 });
    expect((await site.up(ALL)).applied).toEqual(['R_active']);
    expect((await site.up(ALL)).outcome).toBe('nothing-pending');
    expect(await site.rows('SELECT FROM active')).toEqual([]);
  });

  it('wait until nothing is pending above a revision that was asked for', async () => {
    const site = await siteForTest();
    const files = { ...ALL, ...NEXT };
    expect((await site.up(files, { toRevision: '1' })).applied).toEqual(['0001_tables']);
    expect((await site.up(files, { toRevision: '2' })).applied).toEqual(['0002_next', 'R_active']);
  });

  it('run with the phase expand, whatever is left for contract', async () => {
    const site = await siteForTest();
    const files = {
      ...ALL,
      ...view('true'),
      '0002_drop.contract.sql': 'ALTER TABLE users DROP COLUMN active;',
    };
    expect((await site.up(files, { phase: 'expand' })).applied).toEqual(['0001_tables', 'R_active']);
    expect((await site.up(files, { phase: 'contract' })).applied).toEqual(['0002_drop']);
  });

  it('make a plan stale that others have overtaken: LS505', async () => {
    const site = await siteForTest();
    await site.up(TABLES);
    const { lastEntryId: planLastEntryId } = (await readPlan({ ...site.context(), source: sourceOf(ALL) }))
      .plan;
    await site.up(ALL);
    const late = site.attempt({ ...ALL, ...view('false') }, { runId: 'late', planLastEntryId });
    expect(await failureOf(late)).toMatchObject({ code: 'LS505' });
    expect(await ran(site)).toEqual(['active']);
  });
});

it('a look at a ledger with repeatable objects is one statement', async () => {
  const site = await siteForTest();
  await site.up(ALL);
  const session = await site.session();
  const sent: string[] = [];
  const run = session.run.bind(session);
  session.run = (sql) => {
    sent.push(sql);
    return run(sql);
  };
  expect((await readLedger(session)).repeatables).toHaveLength(1);
  expect(sent).toHaveLength(1);
});
