import { describe, expect, it } from 'vitest';
import { readLedger } from '../../lib/adapters/postgres/index.ts';
import { failureOf, LEFT_BEHIND, type Site, siteForTest, WAITS_FOR_LOCK } from './site.ts';

/** Three steps: a transaction, a statement outside of one, a transaction. */
const [TABLE, BUILD, ROWS] = [
  'CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2);',
  'CREATE INDEX CONCURRENTLY IF NOT EXISTS t_id ON t (id);',
  'CREATE TABLE effects (n int); INSERT INTO effects VALUES (1);',
];
const fileOf = (...steps: string[]) => ({ '0001_mixed.sql': steps.join('\n') });
const MIXED = fileOf(TABLE, BUILD, ROWS);

const INDEX = `SELECT c.relname AS name, i.indisvalid AS valid, c.oid::int FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE i.indrelid = 't'::regclass`;
const JOURNAL = `SELECT step, state FROM lockstep.journal WHERE direction = 'up' ORDER BY step`;

/** Two of three steps are done, and the third failed. */
async function brokenOff(): Promise<Site> {
  const site = await siteForTest();
  const error = await failureOf(site.up(fileOf(TABLE, BUILD, 'SELECT nowhere;')));
  expect(error.state).toBe(
    'Step 3 of 3 of 0001_mixed left no trace; what comes before it is done and recorded, and the next run goes on there.',
  );
  expect(await site.rows(JOURNAL)).toEqual([0, 1].map((step) => ({ step, state: 'done' })));
  return site;
}

/** As a crash leaves it after the index build was begun: with what is done of the index. */
async function crashedInBuild(left: 'nothing' | 'invalid' | 'valid'): Promise<Site> {
  const site = await brokenOff();
  await site.rows("UPDATE lockstep.journal SET state = 'started' WHERE step = 1");
  if (left === 'nothing') await site.rows('DROP INDEX t_id');
  if (left === 'invalid') {
    await site.rows("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_id'::regclass");
  }
  return site;
}

/** Everything is applied once, and nothing is left over. */
async function expectApplied(site: Site): Promise<void> {
  expect(await site.rows('SELECT n FROM effects')).toEqual([{ n: 1 }]);
  expect(await site.rows('SELECT id FROM t')).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await site.rows(INDEX)).toMatchObject([{ name: 't_id', valid: true }]);
  expect(await site.rows('SELECT kind FROM lockstep.entry')).toEqual([{ kind: 'applied' }]);
  expect((await readLedger(await site.session())).partial).toEqual([]);
}

describe('a file with a statement outside transactions', () => {
  it('is applied step by step, each journalled, and is applied when the last one is', async () => {
    const site = await siteForTest();
    const steps: number[] = [];
    await site.up(MIXED, { on: (event) => event.kind === 'step-started' && steps.push(event.step) });
    expect(steps).toEqual([1, 2, 3]);
    await expectApplied(site);
    expect(await site.rows('SELECT duration_ms >= 0 AS timed FROM lockstep.entry')).toEqual([
      { timed: true },
    ]);
  });

  it('goes on after the steps that are done', async () => {
    const site = await brokenOff();
    await site.up(MIXED);
    await expectApplied(site);
  });

  it.each(['nothing', 'invalid', 'valid'] as const)(
    'is finished after a crash in the index build that left %s of it',
    async (left) => {
      const site = await crashedInBuild(left);
      const [before] = await site.rows(INDEX);
      const healed: string[] = [];
      await site.up(MIXED, { on: (event) => event.kind === 'step-healed' && healed.push(event.how) });
      await expectApplied(site);
      const how = { nothing: /left nothing/, invalid: /was removed/, valid: /had done it/ };
      expect(healed).toEqual([expect.stringMatching(how[left])]);
      expect((await site.rows(INDEX))[0]?.oid === before?.oid).toBe(left === 'valid');
    },
  );

  it('is refused when a part that is done was edited, and goes on when only the rest was', async () => {
    const site = await brokenOff();
    const edited = fileOf(TABLE, BUILD.replace('(id)', '(id DESC)'), ROWS);
    expect(await failureOf(site.up(edited))).toMatchObject({ code: 'LS501', context: { step: 1 } });
    await site.up(fileOf(`-- why\n${TABLE}`, BUILD, ROWS));
    await expectApplied(site);
    // Also when nobody has recorded that it is done.
    const crashed = await crashedInBuild('valid');
    for (const files of [edited, fileOf(TABLE)]) {
      expect(await failureOf(crashed.up(files))).toMatchObject({ code: 'LS501', context: { step: 1 } });
    }
  });

  it('is run anew where it crashed if that statement was edited', async () => {
    const site = await crashedInBuild('invalid');
    await site.up(fileOf(TABLE, 'CREATE INDEX CONCURRENTLY t_other ON t (id);', ROWS));
    expect(await site.rows(INDEX)).toMatchObject([{ name: 't_other', valid: true }]);
  });

  it('is applied when it was cut short to what is done', async () => {
    const site = await brokenOff();
    expect((await site.up(fileOf(TABLE, BUILD))).applied).toEqual(['0001_mixed']);
    expect((await readLedger(await site.session())).partial).toEqual([]);
    expect((await site.up(fileOf(TABLE, BUILD))).outcome).toBe('nothing-pending');
  });

  it('leaves nothing of a statement that was begun when it is cut off before that', async () => {
    const site = await crashedInBuild('invalid');
    await site.up(fileOf(TABLE));
    expect(await site.rows(INDEX)).toEqual([]);
    expect(await site.rows("SELECT step FROM lockstep.journal WHERE state = 'started'")).toEqual([]);
  });
});

describe('an index build', () => {
  it('that fails leaves no INVALID index, and works when the data is mended', async () => {
    const site = await siteForTest();
    const unique = fileOf(
      'CREATE TABLE t (id int); INSERT INTO t VALUES (7), (7);',
      BUILD.replace('INDEX', 'UNIQUE INDEX'),
    );
    const error = await failureOf(site.up(unique));
    expect(error).toMatchObject({
      code: 'LS601',
      context: { sqlstate: '23505' },
      position: { line: 2, column: 1 },
    });
    expect(await site.rows(INDEX)).toEqual([]);
    expect(await site.rows(JOURNAL)).toEqual([{ step: 0, state: 'done' }]);
    await site.rows('DELETE FROM t');
    await site.up(unique);
    expect(await site.rows(INDEX)).toMatchObject([{ valid: true }]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('replaces an INVALID index of its name, which IF NOT EXISTS would pass over', async () => {
    const site = await siteForTest();
    await site.rows(`CREATE TABLE t (id int); CREATE INDEX t_id ON t (id);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_id'::regclass`);
    await site.up({ '0001_index.sql': BUILD });
    expect(await site.rows(INDEX)).toMatchObject([{ name: 't_id', valid: true }]);
  });

  it('waits for a long transaction, and so does the removal of what a crash left of it', async () => {
    const site = await crashedInBuild('invalid');
    const reader = await site.session('reader');
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.t');
    const hurried = await failureOf(site.attempt(MIXED, { timeLeftMs: () => 1_200 }));
    expect(hurried).toMatchObject({ code: 'LS604', remedy: expect.stringMatching(/^End the transaction/) });
    const up = site.up(MIXED);
    await site.until(`${WAITS_FOR_LOCK} AND a.query LIKE 'DROP INDEX CONCURRENTLY%'`);
    await reader.query('COMMIT');
    await up;
    await expectApplied(site);
  });
});

describe('other statements outside transactions', () => {
  it('run, and settle after a crash', async () => {
    const site = await siteForTest();
    const files = {
      '0001_t.sql': 'CREATE TABLE t (id int); CREATE INDEX t_id ON t (id); CREATE INDEX t_2 ON t (id);',
      '0002_lone.sql':
        'VACUUM t; REINDEX INDEX CONCURRENTLY t_id; DROP INDEX CONCURRENTLY t_2; SELECT nowhere;',
    };
    await failureOf(site.up(files));
    expect(await site.rows(INDEX)).toMatchObject([{ name: 't_id', valid: true }]);
    await site.rows("UPDATE lockstep.journal SET state = 'started' WHERE step = 2");
    const mended = {
      ...files,
      '0002_lone.sql': files['0002_lone.sql'].replace('SELECT nowhere', 'SELECT 1'),
    };
    await site.up(mended);
    expect(await site.rows(JOURNAL)).toMatchObject(Array(3).fill({ state: 'done' }));
  });

  it('of which nobody can tell whether it worked stops the recovery: LS603, until a person has looked', async () => {
    const site = await siteForTest();
    const files = (last: string) => ({
      '0001_lone.sql': `DROP SUBSCRIPTION IF EXISTS nowhere; ${last};`,
      '0002_b.sql': 'SELECT 1;',
    });
    await failureOf(site.up(files('SELECT nowhere')));
    await site.rows("UPDATE lockstep.journal SET state = 'started'");
    const error = await failureOf(site.up(files('SELECT 1')));
    expect(error).toMatchObject({ code: 'LS603', context: { revision: '0001', step: 0 } });
    expect(error.remedy).toMatch(/the state of its row in lockstep\.journal to `done`.*delete that row/);
    await site.rows("UPDATE lockstep.journal SET state = 'done'");
    expect((await site.up(files('SELECT 1'))).applied).toEqual(['0001_lone', '0002_b']);
  });
});

describe('what is below a migration that is half applied', () => {
  it('is not reverted before that is finished: LS606', async () => {
    const site = await siteForTest();
    const below = { '0001_t.sql': TABLE, '0001_t.down.sql': 'DROP TABLE t;' };
    const half = (last: string) => ({
      ...below,
      '0002_half.sql': `ALTER TABLE t ADD b int; ${BUILD} ${last}`,
    });
    await failureOf(site.up(half('SELECT nowhere;')));
    for (const request of [
      { kind: 'count', count: 1 },
      { kind: 'to', revision: '0' },
    ] as const) {
      const error = await failureOf(site.down(request));
      expect(error).toMatchObject({ code: 'LS606', context: { revision: '2' } });
    }
    expect((await site.up(half('SELECT b FROM t;'))).applied).toEqual(['0002_half']);
  });
});

describe('a revert of several steps', () => {
  const files = {
    '0001_t.sql': TABLE,
    '0002_index.sql': BUILD,
    '0002_index.down.sql': 'DROP TABLE IF EXISTS none; DROP INDEX CONCURRENTLY t_id; DROP TABLE held;',
    '0003_more.sql': 'SELECT 1;',
  };

  it('that is half done is finished by the next, and nothing is applied before: LS607', async () => {
    const site = await siteForTest();
    await site.up(files, { toRevision: '2' });
    expect(await failureOf(site.down({ kind: 'count', count: 1 }))).toMatchObject({ code: 'LS601' });
    expect(await site.rows(JOURNAL.replace("'up'", "'down'"))).toMatchObject(
      Array(2).fill({ state: 'done' }),
    );
    expect(await failureOf(site.up(files))).toMatchObject({
      code: 'LS607',
      what: 'The revert of 0002_index is half done.',
    });
    await site.rows('CREATE TABLE held ()');
    expect((await site.down({ kind: 'count', count: 1 })).reverted).toEqual(['0002_index']);
    expect((await site.up(files)).applied).toEqual(['0002_index', '0003_more']);
    expect(await site.rows(INDEX)).toMatchObject([{ valid: true }]);
  });
});
