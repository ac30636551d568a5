import { describe, expect, it } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { dryRun } from '../../lib/engine/index.ts';
import { contentOf } from '../cli/database-content.ts';
import { type Files, failureOf, LEFT_BEHIND, type Site, SLEEPING, siteForTest, sourceOf } from './site.ts';

type Options = Parameters<Site['context']>[0];

const tried = (site: Site, files: Files, options?: Options) =>
  dryRun({ ...site.context(options), source: sourceOf(files) });

const FILES = {
  '0001_a.sql': 'CREATE TABLE a (id int); INSERT INTO a VALUES (1);',
  '0002_b.sql': 'ALTER TABLE a ADD COLUMN name text;',
};

/** Does it, and expects that nothing of it is left: neither in the database nor of the session. */
async function leavesNothing<T>(site: Site, work: () => Promise<T>): Promise<T> {
  const before = await contentOf(site.url);
  const result = await work();
  expect(await contentOf(site.url)).toEqual(before);
  expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  return result;
}

describe('a dry run', () => {
  it('tries what is pending in order, and leaves nothing, no ledger either', async () => {
    const site = await siteForTest();
    const { tried: names, leftOut, notTried } = await leavesNothing(site, () => tried(site, FILES));
    expect(names.map((t) => t.migration)).toEqual(['0001_a', '0002_b']);
    expect([...leftOut, ...notTried]).toEqual([]);
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
    expect((await site.up(FILES)).applied).toEqual(['0001_a', '0002_b']);
  });

  it('leaves a ledger that is there as it is, with either lease', async () => {
    const site = await siteForTest();
    await site.up({ '0001_a.sql': FILES['0001_a.sql'] });
    for (const leases of ['postgres', new MemoryLeaseStore()] as const) {
      const result = await leavesNothing(site, () => tried(site, FILES, { leases }));
      expect(result.tried.map((t) => t.migration)).toEqual(['0002_b']);
      if (leases !== 'postgres') expect(await leases.read('orders')).toMatchObject({ state: 'FREE' });
    }
  });

  it('says what fails as `up` does, with its place, and leaves nothing', async () => {
    const site = await siteForTest();
    const files = { ...FILES, '0003_c.sql': 'SELECT 1;\nALTER TABLE a\n  DROP COLUMN nom;\n' };
    const error = await leavesNothing(site, () => failureOf(tried(site, files)));
    const inEarnest = await failureOf(site.up(files));
    expect(inEarnest.code).toBe('LS601');
    expect(error).toMatchObject({
      code: 'LS614',
      what: inEarnest.what,
      position: inEarnest.position,
      context: { sqlstate: '42703', code: 'LS601' },
    });
    expect(error.state).toMatch(/^Nothing is changed/);
  });

  it('goes only as far as it is asked to', async () => {
    const site = await siteForTest();
    const { tried: names } = await tried(site, FILES, { toRevision: '1' });
    expect(names.map((t) => t.migration)).toEqual(['0001_a']);
  });

  it('finds nothing to try where nothing is pending, and refuses what `up` refuses', async () => {
    const site = await siteForTest();
    await site.up(FILES);
    expect(await tried(site, FILES)).toMatchObject({ plan: { outcome: 'nothing-pending' }, tried: [] });
    const edited = { ...FILES, '0001_a.sql': 'SELECT 1;' };
    expect(await failureOf(tried(site, edited))).toMatchObject({ code: 'LS501' });
  });

  it('checks constraints that are put off until the end', async () => {
    const site = await siteForTest();
    const files = {
      '0001_a.sql': `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO b VALUES (1);`,
    };
    expect(await leavesNothing(site, () => failureOf(tried(site, files)))).toMatchObject({
      code: 'LS614',
      context: { sqlstate: '23503' },
    });
  });

  it('leaves out what a transaction cannot hold, and says so where that may have made a later one fail', async () => {
    const site = await siteForTest();
    const files = {
      ...FILES,
      '0003_c.sql': 'CREATE INDEX CONCURRENTLY by_id ON a (id); ALTER TABLE a ADD COLUMN c int;',
    };
    const { tried: names, leftOut } = await leavesNothing(site, () => tried(site, files));
    expect(names).toHaveLength(3);
    expect(leftOut).toMatchObject([
      { migration: '0003_c', step: 1, why: expect.stringContaining('transaction') },
    ]);
    const uses = { ...files, '0004_d.sql': 'DROP INDEX by_id;' };
    const error = await leavesNothing(site, () => failureOf(tried(site, uses)));
    expect(error.remedy).toMatch(/consequence of step 1 of 0003_c/);
  });

  it('tries a back-fill in batches on no row, so that its names are checked', async () => {
    const site = await siteForTest();
    const table = {
      '0001_a.sql': 'CREATE TABLE a (id int PRIMARY KEY, b int); INSERT INTO a VALUES (1, 1);',
    };
    const fill = (column: string) => ({
      ...table,
      '0002_b.backfill.sql': `UPDATE a SET\n ${column} = 2 / (b - 1) WHERE lockstep.batch(id);`,
    });
    const { leftOut } = await leavesNothing(site, () => tried(site, fill('b')));
    expect(leftOut).toMatchObject([{ migration: '0002_b', step: 1, why: expect.stringContaining('no row') }]);
    expect(await leavesNothing(site, () => failureOf(tried(site, fill('nob'))))).toMatchObject({
      code: 'LS614',
      position: { line: 2, column: 2 },
    });
    const keyless = { ...fill('b'), '0001_a.sql': 'CREATE TABLE a (id int, b int);' };
    expect(await failureOf(tried(site, keyless))).toMatchObject({
      code: 'LS614',
      context: { code: 'LS609' },
    });
  });

  it('stops, without an error, where a value has to be committed before it is used', async () => {
    const site = await siteForTest();
    await site.rows(`CREATE TYPE mood AS ENUM ('calm')`);
    const files = {
      '0001_a.sql': `ALTER TYPE mood ADD VALUE 'wild';`,
      '0002_b.sql': `CREATE TABLE b (m mood DEFAULT 'wild'); INSERT INTO b DEFAULT VALUES;`,
      '0003_c.sql': 'SELECT 1;',
    };
    const { tried: names, leftOut, notTried } = await leavesNothing(site, () => tried(site, files));
    expect(names.map((t) => t.migration)).toEqual(['0001_a']);
    expect(leftOut).toMatchObject([{ migration: '0002_b', why: expect.stringContaining('committed first') }]);
    expect(notTried).toEqual(['0003_c']);
  });

  it('goes on with a migration that broke off in the middle, at its next step', async () => {
    const site = await siteForTest();
    const half = (end: string) => ({ '0001_a.sql': `CREATE TABLE a (id int); VACUUM; ${end};` });
    await failureOf(site.up(half('SELECT 1/0')));
    const { tried: names, leftOut } = await leavesNothing(site, () => tried(site, half('DROP TABLE a')));
    expect({ names: names.length, leftOut }).toEqual({ names: 1, leftOut: [] });
  });

  it('names the sequences that went on', async () => {
    const site = await siteForTest();
    await site.rows('CREATE TABLE t (id serial, n int); CREATE SEQUENCE still');
    const { sequences } = await tried(site, {
      '0001_a.sql': 'INSERT INTO t (n) VALUES (1); CREATE SEQUENCE own;',
    });
    expect(sequences).toEqual(['public.t_id_seq']);
  });

  it('refuses a migration that gives up the lock, as `up` does', async () => {
    const site = await siteForTest();
    const files = { '0001_a.sql': "DO 'BEGIN PERFORM pg_advisory_unlock_all(); END'" };
    const error = await leavesNothing(site, () => failureOf(tried(site, files)));
    expect(error).toMatchObject({ code: 'LS614', context: { code: 'LS608' } });
    expect(await failureOf(site.up(files))).toMatchObject({ code: 'LS608' });
  });

  it('waits no longer for a lock than the file allows', async () => {
    const site = await siteForTest();
    await site.up(FILES);
    const other = await site.session('other');
    await other.query('BEGIN; LOCK TABLE public.a');
    const files = {
      ...FILES,
      '0003_c.sql': '-- lockstep: lock-timeout=100ms\nALTER TABLE a ADD COLUMN c int;',
    };
    expect(await failureOf(tried(site, files))).toMatchObject({
      code: 'LS614',
      context: { sqlstate: '55P03' },
    });
    await other.query('ROLLBACK');
  });

  it('lets nobody migrate meanwhile, and ends when it is interrupted', async () => {
    const site = await siteForTest();
    const files = { ...FILES, '0003_c.sql': 'SELECT pg_sleep(60);' };
    const abort = new AbortController();
    const running = failureOf(tried(site, files, { signal: abort.signal }));
    await site.until(SLEEPING);
    expect(await failureOf(site.up(FILES, { leaseWaitMs: 300 }))).toMatchObject({ code: 'LS401' });
    abort.abort();
    expect(await running).toMatchObject({ code: 'LS605' });
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
    expect((await site.up(FILES)).applied).toHaveLength(2);
  });

  it('waits for whoever migrates, and finds that everything is done', async () => {
    const site = await siteForTest();
    const files = { ...FILES, '0003_c.sql': 'SELECT pg_sleep(0.5);' };
    const up = site.up(files);
    await site.until(SLEEPING);
    expect((await tried(site, files)).plan.outcome).toBe('nothing-pending');
    await up;
  });
});
