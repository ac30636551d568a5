/** Small migrations that are sent before the one before is answered. */
import pg from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import type { EngineEvent } from '../../lib/engine/index.ts';
import { type Files, failureOf, LEFT_BEHIND, type Site, SLEEPING, siteForTest } from './site.ts';

const name = (i: number) => `${String(i).padStart(4, '0')}_step`;
const small = (count: number, others: Readonly<Record<number, string>> = {}): Files =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `${name(i + 1)}.sql`,
      others[i + 1] ?? `CREATE TABLE step_${i + 1} (id int);\n`,
    ]),
  );
const APPLIED = 'SELECT slug, revision::int FROM lockstep.entry ORDER BY id';
const TABLES = `SELECT count(*)::int AS tables FROM pg_tables WHERE tablename LIKE 'step\\_%'`;

/** Revisions of which the message was written to the server while the one before was not answered. */
function watchWire(): () => readonly number[] {
  const wire = pg.Connection.prototype as unknown as { query(text: string): unknown };
  const { query } = wire;
  const underWay = new WeakMap<object, number>();
  const ahead: number[] = [];
  vi.spyOn(wire, 'query').mockImplementation(function (this: NodeJS.EventEmitter, text: string) {
    if (!underWay.has(this)) this.on('readyForQuery', () => underWay.set(this, underWay.get(this)! - 1));
    const before = underWay.get(this) ?? 0;
    const revision = /INSERT INTO lockstep\.entry .*\s+VALUES \('(\d+)'/.exec(text)?.[1];
    if (before > 0 && revision !== undefined) ahead.push(Number(revision));
    underWay.set(this, before + 1);
    return query.call(this, text);
  });
  return () => ahead;
}
afterEach(() => vi.restoreAllMocks());

/** On a busy machine, too, a second is quick for it. */
const clock = { ...systemClock, nowMs: () => systemClock.nowMs() / 5 };

/** Nothing behind the one that failed is there, and with that one corrected all of it is. */
async function goesOn(site: Site, applied: number, files: Files): Promise<void> {
  expect(await site.rows(APPLIED)).toHaveLength(applied);
  expect(await site.rows(TABLES)).toEqual([{ tables: applied }]);
  expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  const { applied: rest } = await site.up(files);
  expect(rest).toHaveLength(Object.keys(files).length - applied);
  expect(await site.rows(TABLES)).toEqual([{ tables: Object.keys(files).length }]);
}

it('is most of them, each applied once, and told in order', async () => {
  const site = await siteForTest();
  const ahead = watchWire();
  const events: EngineEvent[] = [];
  const result = await site.up(small(40), { clock, on: (event) => events.push(event) });
  expect(result.applied).toEqual(Array.from({ length: 40 }, (_, i) => name(i + 1)));
  expect(ahead().length).toBeGreaterThan(5);
  const told = events.flatMap((e) =>
    e.kind === 'step-started' || e.kind === 'migration-done' ? [`${e.kind} ${e.migration}`] : [],
  );
  expect(told).toEqual(result.applied.flatMap((m) => [`step-started ${m}`, `migration-done ${m}`]));
  expect(await site.rows(APPLIED)).toEqual(
    Array.from({ length: 40 }, (_, i) => ({ slug: 'step', revision: i + 1 })),
  );
});

it.each([
  ['one that takes a lock', 'ALTER TABLE step_1 ADD COLUMN b int;'],
  ['one outside a transaction', 'CREATE INDEX CONCURRENTLY b ON step_1 (id);'],
  ['one of several steps', 'CREATE TABLE a ();\nCREATE INDEX CONCURRENTLY b ON step_1 (id);'],
])('is none of the first two, nor %s, nor what is behind one that takes long', async (_, sql) => {
  const site = await siteForTest();
  const ahead = watchWire();
  await site.up(small(12, { 6: sql, 9: 'SELECT pg_sleep(2.5);' }), { clock });
  expect(ahead().length).toBeGreaterThan(0);
  for (const revision of [1, 2, 6, 11]) expect(ahead()).not.toContain(revision);
});

it('is none where the time is limited', async () => {
  const site = await siteForTest();
  const ahead = watchWire();
  const { applied } = await site.attempt(small(20), { clock, timeLeftMs: () => 60_000 });
  expect(applied).toHaveLength(20);
  expect(ahead()).toEqual([]);
});

it('is none of which an earlier run has done a part, which is not done again', async () => {
  const site = await siteForTest();
  await site.rows('CREATE TABLE effects (revision int)');
  const effect = (revision: number) => `INSERT INTO effects VALUES (${revision});\n`;
  const build = 'CREATE UNIQUE INDEX CONCURRENTLY twice ON effects ((1));\n';
  await site.rows('INSERT INTO effects VALUES (1), (1)');
  const begun = { [`${name(9)}.sql`]: `${effect(9)}${build}` };
  expect(await failureOf(site.up(begun))).toMatchObject({ code: 'LS601' });
  // Without what failed, and behind others that were merged meanwhile.
  const ahead = watchWire();
  const others = Object.fromEntries([5, 6, 7, 8].map((i) => [`${name(i)}.sql`, effect(i)]));
  const { applied } = await site.up({ ...others, [`${name(9)}.sql`]: effect(9) }, { clock });
  expect(applied).toEqual([5, 6, 7, 8, 9].map(name));
  expect(ahead().length).toBeGreaterThan(0);
  expect(await site.rows('SELECT revision FROM effects WHERE revision > 1 ORDER BY revision')).toEqual(
    [5, 6, 7, 8, 9].map((revision) => ({ revision })),
  );
});

it('is told when it was made although the run was interrupted', async () => {
  const site = await siteForTest();
  const interruption = new AbortController();
  const done: string[] = [];
  const on = (event: EngineEvent) => {
    if (event.kind !== 'migration-done') return;
    done.push(event.migration);
    // What is behind it was sent already, and is made before the server can be asked to stop it.
    if (event.migration === name(20)) interruption.abort();
  };
  const error = await failureOf(site.up(small(30), { clock, on, signal: interruption.signal }));
  expect(error).toMatchObject({ code: 'LS605' });
  const applied = await site.rows<{ revision: number }>(APPLIED);
  expect(applied.map(({ revision }) => name(revision))).toEqual(done);
  const [run] = await site.rows('SELECT verdict, failed_migration FROM lockstep.run');
  expect(run).toMatchObject({ verdict: 'failed' });
  expect(done).not.toContain((run as { failed_migration: string }).failed_migration);
});

describe('nothing behind one that fails', () => {
  it('in a statement, of which the place is told', async () => {
    const site = await siteForTest();
    const ahead = watchWire();
    const error = await failureOf(
      site.up(small(30, { 21: 'CREATE TABLE step_21 ();\nSELECT pg_sleep(0.3);\nSELECT 1 / 0;\n' }), {
        clock,
      }),
    );
    expect(error).toMatchObject({
      code: 'LS601',
      position: { file: `${name(21)}.sql`, line: 3 },
      context: { migration: name(21), sqlstate: '22012' },
    });
    expect(ahead()).toContain(22);
    await goesOn(site, 20, small(30));
  });

  it('in its COMMIT, after which there is no transaction', async () => {
    const site = await siteForTest();
    const ahead = watchWire();
    // Its trigger puts the next one off again, behind the place where all that was put off is done.
    const late = `CREATE TABLE step_21 (id int);
      CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.id = 2 THEN RAISE EXCEPTION 'too late'; END IF;
        SET CONSTRAINTS ALL DEFERRED;
        INSERT INTO step_21 VALUES (NEW.id + 1);
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER later AFTER INSERT ON step_21 DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION later();
      INSERT INTO step_21 VALUES (1);
      SELECT pg_sleep(0.3);`;
    const error = await failureOf(site.up(small(30, { 21: late }), { clock }));
    expect(error).toMatchObject({ code: 'LS601', what: expect.stringContaining('too late') });
    expect(ahead()).toContain(22);
    await goesOn(site, 20, small(30));
  });

  it('for want of a lock that nobody foresaw, and it is tried again', async () => {
    const site = await siteForTest();
    await site.up(small(1));
    const other = new pg.Client({ connectionString: site.url });
    await other.connect();
    await other.query('BEGIN; SELECT * FROM step_1');
    const hidden = `-- lockstep: lock-timeout=300ms\nDO 'BEGIN ALTER TABLE step_1 ADD COLUMN b int; END';CREATE TABLE step_21 ();`;
    const retried: string[] = [];
    const { applied } = await site.up(small(30, { 21: hidden }), {
      clock,
      on: (event) => {
        if (event.kind !== 'lock-retry') return;
        retried.push(event.migration);
        void other.query('COMMIT');
      },
    });
    await other.end();
    expect(applied).toHaveLength(29);
    expect(retried).toEqual([name(21)]);
    expect(await site.rows(TABLES)).toEqual([{ tables: 30 }]);
  });

  it('that is interrupted', async () => {
    const site = await siteForTest();
    const ahead = watchWire();
    const interruption = new AbortController();
    const files = small(30, { 21: 'CREATE TABLE step_21 (); SELECT pg_sleep(30);' });
    const up = failureOf(site.up(files, { clock, signal: interruption.signal }));
    await site.until(SLEEPING);
    interruption.abort();
    expect(await up).toMatchObject({ code: 'LS605' });
    expect(ahead()).toContain(22);
    await goesOn(site, 20, small(30));
  });
});
