/**
 * Statements outside a transaction whose session is ended in the middle: the next attempt finds what they left in the
 * catalogs, and finishes it or takes it away. What holds them up in the middle is a lock on their table.
 */
import { describe, expect, it } from 'vitest';
import { readLedger } from '../../lib/adapters/postgres/index.ts';
import { failureOf, type Site, siteForTest } from './site.ts';

const INDEXES = `SELECT c.relname AS name, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE c.relnamespace = 'public'::regnamespace OR NOT i.indisvalid ORDER BY 1`;
const JOURNAL = 'SELECT step, state FROM lockstep.journal ORDER BY step';
/** Waiting for this one: a statement also waits, shortly, for whoever looks at the database when it begins. */
const loneBehind = (pid: number) => `FROM pg_stat_activity WHERE datname = current_database()
  AND application_name LIKE 'lockstep #%' AND state = 'active' AND wait_event = 'virtualxid'
  AND ${pid} = ANY (pg_blocking_pids(pid))`;

interface Broken {
  readonly site: Site;
  readonly healed: readonly string[];
}

/** With a writer a new index stays unbuilt; with a reader only what comes after the build is held up. */
type LockMode = 'ROW EXCLUSIVE' | 'ACCESS SHARE';

/** Applies the file while a lock is held, ends the session in the middle, and lets the next attempt finish. */
async function brokenOff(setUp: string, sql: string, mode: LockMode, table = 't'): Promise<Broken> {
  const site = await siteForTest();
  await site.rows(setUp);
  const other = await site.session('other');
  await other.query(`BEGIN; LOCK TABLE public.${table} IN ${mode} MODE`);
  const healed: string[] = [];
  const up = site.up(
    // Before PostgreSQL 16, REINDEX has to name it.
    { '0001_lone.sql': `${sql.replace('this_database', site.name)}; CREATE TABLE after ();` },
    { on: (event) => event.kind === 'step-healed' && healed.push(event.how) },
  );
  const lone = loneBehind(other.facts.pid);
  await site.until(`SELECT 1 ${lone}`);
  await site.rows(`SELECT pg_terminate_backend(pid, 5000) ${lone}`);
  // Whatever the next attempt has to wait for is over now.
  await other.query('COMMIT');
  expect((await up).applied).toEqual(['0001_lone']);
  expect(await site.rows(JOURNAL)).toEqual([{ step: 0, state: 'done' }]);
  expect((await readLedger(await site.session())).partial).toEqual([]);
  return { site, healed };
}

const TABLE = `CREATE TABLE t (id int, big text); INSERT INTO t SELECT n, 'x' FROM generate_series(1, 50) n;
  CREATE INDEX t_id ON t (id);`;
const VALID = [{ name: 't_id', valid: true }];

describe('what a session that was ended in the middle left is mended:', () => {
  it('the new index of CREATE INDEX CONCURRENTLY is dropped, and built again', async () => {
    const { site, healed } = await brokenOff(
      TABLE,
      'CREATE INDEX CONCURRENTLY IF NOT EXISTS t_big ON t (big)',
      'ROW EXCLUSIVE',
    );
    expect(await site.rows(INDEXES)).toEqual([{ name: 't_big', valid: true }, ...VALID]);
    expect(healed).toEqual(['what an earlier attempt left was removed (the INVALID index public.t_big)']);
  });

  it('the old index of DROP INDEX CONCURRENTLY is dropped to the end', async () => {
    const { site, healed } = await brokenOff(TABLE, 'DROP INDEX CONCURRENTLY t_id', 'ACCESS SHARE');
    expect(await site.rows(INDEXES)).toEqual([]);
    expect(healed).toEqual(['an earlier attempt had begun it: finished (the INVALID index public.t_id)']);
  });

  it.each([
    ['REINDEX INDEX CONCURRENTLY t_id', 'ROW EXCLUSIVE', /public\.t_id_ccnew\)$/],
    ['REINDEX INDEX CONCURRENTLY t_id', 'ACCESS SHARE', /public\.t_id_ccold\)$/],
    ['REINDEX TABLE CONCURRENTLY t', 'ROW EXCLUSIVE', /pg_toast\.pg_toast_\d+_index_ccnew/],
    ['REINDEX SCHEMA CONCURRENTLY public', 'ROW EXCLUSIVE', /public\.t_id_ccnew/],
  ] as const)('the second index of %s, held up by %s, is dropped', async (sql, mode, found) => {
    const { site, healed } = await brokenOff(TABLE, sql, mode);
    expect(await site.rows(INDEXES)).toEqual(VALID);
    expect(healed).toEqual([expect.stringMatching(found)]);
  });

  it.each([
    'REINDEX TABLE CONCURRENTLY p',
    'REINDEX INDEX CONCURRENTLY p_id',
    'REINDEX DATABASE CONCURRENTLY this_database',
  ])('so are those of partitions: %s', async (sql) => {
    const { site, healed } = await brokenOff(
      `CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE t PARTITION OF p FOR VALUES IN (1);
       CREATE TABLE u PARTITION OF p FOR VALUES IN (2); CREATE INDEX p_id ON p (id);`,
      sql,
      'ACCESS SHARE',
    );
    const all = ['p_id', 't_id_idx', 'u_id_idx'].map((name) => ({ name, valid: true }));
    expect(await site.rows(INDEXES)).toEqual(all);
    expect(healed).toEqual([expect.stringMatching(/public\.t_id_idx_ccold/)]);
  });

  it('a partition that is half detached is detached to the end', async () => {
    const partitions =
      'CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE t PARTITION OF p FOR VALUES IN (1);';
    const { site, healed } = await brokenOff(
      partitions,
      'ALTER TABLE p DETACH PARTITION t CONCURRENTLY',
      'ACCESS SHARE',
      'p',
    );
    expect(await site.rows('SELECT inhrelid FROM pg_inherits')).toEqual([]);
    expect(healed).toEqual(['an earlier attempt had begun it: finished (the partition t, half detached)']);
  });
});

describe('an INVALID index that was there before a REINDEX', () => {
  it('is left to its owner, and so is one of another table', async () => {
    const foreign = `CREATE TABLE other (id int); CREATE INDEX other_id_ccnew ON other (id); CREATE INDEX t_id_ccnew ON t (big);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text LIKE '%_ccnew'`;
    const { site } = await brokenOff(
      `${TABLE} ${foreign}`,
      'REINDEX INDEX CONCURRENTLY t_id',
      'ROW EXCLUSIVE',
    );
    expect(await site.rows(INDEXES)).toEqual([
      { name: 'other_id_ccnew', valid: false },
      ...VALID,
      { name: 't_id_ccnew', valid: false },
    ]);
  });
});

/** As a crash leaves it before the statement was sent, or before its end was recorded. */
async function begunOnly(setUp: string, sql: string) {
  const site = await siteForTest();
  await site.rows(setUp);
  const files = (last: string) => ({ '0001_lone.sql': `${sql}; ${last};` });
  await failureOf(site.up(files('SELECT nowhere')));
  await site.rows("UPDATE lockstep.journal SET state = 'started'");
  const healed: string[] = [];
  const again = () =>
    site.up(files('SELECT 1'), { on: (event) => event.kind === 'step-healed' && healed.push(event.how) });
  return { site, again, healed };
}

describe('a statement that was done, with nobody left to record it,', () => {
  const CASES: readonly (readonly [string, string])[] = [
    ['DROP INDEX CONCURRENTLY t_id', TABLE],
    [
      'ALTER TABLE p DETACH PARTITION t CONCURRENTLY',
      'CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE t PARTITION OF p FOR VALUES IN (1);',
    ],
  ];
  it.each(CASES)('is not run again: %s', async (sql, setUp) => {
    const { again, healed } = await begunOnly(setUp, sql);
    await again();
    expect(healed).toEqual(['an earlier attempt had done it']);
  });

  it('is not run again: CREATE DATABASE, DROP DATABASE', async () => {
    const site = await siteForTest();
    const other = `other_${site.name}`;
    const files = (last: string) => ({
      '0001_made.sql': `CREATE DATABASE ${other};`,
      '0002_gone.sql': `DROP DATABASE ${other}; ${last};`,
    });
    const begin = (revision: number) =>
      site.rows(`DELETE FROM lockstep.entry WHERE revision = ${revision};
        UPDATE lockstep.journal SET state = 'started' WHERE revision = ${revision}`);
    await site.up(files('SELECT 1'), { toRevision: '1' });
    await begin(1);
    expect((await failureOf(site.up(files('SELECT nowhere')))).context).toMatchObject({ revision: '0002' });
    await begin(2);
    expect((await site.up(files('SELECT 1'))).applied).toEqual(['0002_gone']);
    expect(await site.rows(`SELECT FROM pg_database WHERE datname = '${other}'`)).toEqual([]);
  });

  it('is run again if it was true before it began: what it says then is its own business', async () => {
    const { site, again, healed } = await begunOnly(
      TABLE,
      'CREATE INDEX CONCURRENTLY IF NOT EXISTS t_id ON t (id)',
    );
    await again();
    expect(healed).toEqual(['an earlier attempt had begun it, and left nothing']);
    expect(await site.rows(INDEXES)).toEqual(VALID);
  });
});

describe('a statement that fails in the middle', () => {
  it('and cannot be taken back is told as begun, and the next run finishes it', async () => {
    const site = await siteForTest();
    await site.rows(TABLE);
    const reader = await site.session('reader');
    await reader.query('BEGIN; LOCK TABLE public.t IN ACCESS SHARE MODE');
    const files = {
      '0001_drop.sql': '-- lockstep: statement-timeout=500ms\nDROP INDEX CONCURRENTLY t_id;',
    };
    const error = await failureOf(site.up(files));
    expect(error).toMatchObject({ code: 'LS604', context: { sqlstate: '57014' } });
    expect(error.state).toBe(
      'Step 1 of 1 of 0001_drop is begun and not done (it left the INVALID index public.t_id); nothing of it is done, and the next run goes on there.',
    );
    await reader.query('COMMIT');
    expect((await site.up(files)).applied).toEqual(['0001_drop']);
    expect(await site.rows(INDEXES)).toEqual([]);
  });

  it('and left an INVALID second index leaves nothing', async () => {
    const site = await siteForTest();
    await site.rows(TABLE);
    const reader = await site.session('reader');
    await reader.query('BEGIN; LOCK TABLE public.t IN ROW EXCLUSIVE MODE');
    const up = failureOf(
      site.up({
        '0001_reindex.sql': '-- lockstep: statement-timeout=500ms\nREINDEX INDEX CONCURRENTLY t_id;',
      }),
    );
    await site.until(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'DROP INDEX%'`,
    );
    await reader.query('COMMIT');
    expect((await up).state).toMatch(/^Step 1 of 1 of 0001_reindex left no trace/);
    expect(await site.rows(INDEXES)).toEqual(VALID);
    expect(await site.rows(JOURNAL)).toEqual([]);
  });
});

it('a statement that passed over something else of its name is told: LS613, and it is no started step', async () => {
  const site = await siteForTest();
  await site.rows(`${TABLE} CREATE TABLE u (id int)`);
  const files = { '0001_index.sql': 'CREATE INDEX CONCURRENTLY IF NOT EXISTS t_id ON u (id);' };
  expect(await failureOf(site.up(files))).toMatchObject({ code: 'LS613', context: { step: 0 } });
  expect(await site.rows(JOURNAL)).toEqual([]);
});

describe('a new value of an enum', () => {
  it('is committed before the rest of its file that uses it', async () => {
    const site = await siteForTest();
    await site.rows("CREATE TYPE mood AS ENUM ('sad')");
    const sql = (last: string) =>
      `ALTER TYPE mood ADD VALUE 'it''s fine';\nCREATE TABLE moods (m mood);\nINSERT INTO moods VALUES ('it''s fine');\n${last};`;
    const error = await failureOf(site.up({ '0001_mood.sql': sql('SELECT nowhere') }));
    expect(error.state).toMatch(/^Step 2 of 2 of 0001_mood left no trace; what comes before it is done/);
    expect(await site.rows('SELECT enumlabel FROM pg_enum ORDER BY enumsortorder')).toHaveLength(2);
    await site.up({ '0001_mood.sql': sql('SELECT 1') });
    expect(await site.rows('SELECT m FROM moods')).toEqual([{ m: "it's fine" }]);
  });

  it('is in one transaction with a file that does not speak of it, and a hidden use says what to do', async () => {
    const site = await siteForTest();
    await site.rows(`CREATE TYPE mood AS ENUM ('sad');
      CREATE FUNCTION newest() RETURNS mood LANGUAGE sql AS $$ SELECT ('hap' || 'py')::mood $$`);
    const error = await failureOf(
      site.up({ '0001_mood.sql': "ALTER TYPE mood ADD VALUE 'happy';\nSELECT newest();" }),
    );
    expect(error).toMatchObject({ code: 'LS601', context: { sqlstate: '55P04' } });
    expect(error.remedy).toMatch(/later migration/);
    expect(await site.rows('SELECT enumlabel FROM pg_enum')).toEqual([{ enumlabel: 'sad' }]);
  });
});
