import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { otherSession } from './others.ts';
import { type Files, failureOf, LEFT_BEHIND, type Site, siteForTest } from './site.ts';

const FILE = '0009_broken.sql';
const TABLES = `SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`;
const tablesOf = async (site: Site) => (await site.rows<{ t: string }>(TABLES)).map(({ t }) => t);

/** What the file fails with, on a database where `before` is applied; it leaves no trace. */
async function failureIn(sql: string, before: Files = {}, site?: Site) {
  const on = site ?? (await siteForTest());
  if (Object.keys(before).length > 0) await on.up(before);
  const tables = await tablesOf(on);
  const error = await failureOf(on.up({ ...before, [FILE]: sql }));
  expect(await tablesOf(on)).toEqual(tables);
  expect(await on.rows(LEFT_BEHIND)).toEqual([]);
  return error;
}

const THINGS = { '0001_things.sql': 'CREATE TABLE things (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);' };

describe('the place of an error in the file', () => {
  it.each<[string, string, number, number]>([
    ['in the first statement', 'SELECT nowhere;', 1, 8],
    [
      'after characters of two to four bytes',
      "CREATE TABLE a ();\nCOMMENT ON TABLE a IS 'žluťoučký 漢字 🐎🐎';\nSELECT '🐎', nowhere;",
      3,
      13,
    ],
    ['after CRLF line ends', 'CREATE TABLE a ();\r\n\r\n  SELECT\r\n  nowhere;\r\n', 4, 3],
    [
      'among comments, which PostgreSQL never sees',
      '-- é\n/* 漢 */ SELECT 1; -- end\n-- more\nSELECT\n\tnowhere -- last',
      5,
      2,
    ],
    [
      'without a position of its own: where the statement begins',
      'CREATE TABLE a (id int UNIQUE);\nINSERT INTO a VALUES (1);\n  INSERT INTO a VALUES (1);\n',
      3,
      3,
    ],
    ['in a DO block: where the statement begins', 'SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1 / 0;\nEND $$;', 2, 1],
    [
      'in the body of a function',
      'SELECT 1;\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT nowhere\n$$;',
      3,
      10,
    ],
    [
      'a syntax error that only the server sees',
      "SELECT 'é';\nCREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n  IF;\nEND $$;",
      4,
      5,
    ],
    ['in a statement outside transactions', 'SELECT 1;\n\nVACUUM\n  nowhere;', 3, 1],
  ])('%s', async (_, sql, line, column) => {
    const error = await failureIn(sql);
    expect(error).toMatchObject({ code: 'LS601', position: { file: FILE, line, column } });
    expect(error.position?.text).toBe(sql.split(/\r?\n/)[line - 1]);
    expect(error.what).toMatch(new RegExp(`^${FILE}, line ${line}, column ${column}: \\S.*[^.]\\.$`));
  });

  it('is the file when nothing but its end is to blame', async () => {
    const error = await failureIn('INSERT INTO things VALUES (1), (1);', THINGS);
    expect(error).toMatchObject({ code: 'LS601', context: { sqlstate: '23505', migration: '0009_broken' } });
    expect(error.position).toBeUndefined();
    expect(error.what).toBe(`${FILE}: duplicate key value violates unique constraint "things_id_key".`);
  });

  it('is in the down file when that fails, and the migration stays applied', async () => {
    const site = await siteForTest();
    await site.up({ '0001_a.sql': 'CREATE TABLE a ();', '0001_a.down.sql': 'SELECT 1;\nDROP TABLE b;' });
    const error = await failureOf(site.down({ kind: 'count', count: 1 }));
    expect(error).toMatchObject({ code: 'LS601', position: { file: '0001_a.down.sql', line: 2, column: 1 } });
    expect(error.state).toBe(
      '0001_a was rolled back as a whole and left no trace; the migrations reverted before it stay so.',
    );
    expect(await site.rows('SELECT revision FROM lockstep.applied')).toHaveLength(1);
  });
});

describe('an error', () => {
  it("holds no row data: PostgreSQL's DETAIL, HINT and CONTEXT are nowhere in it, nor in the ledger", async () => {
    const site = await siteForTest();
    const sql = `CREATE TABLE a (id text UNIQUE); INSERT INTO a VALUES ('row-data');
      DO $$ BEGIN INSERT INTO a SELECT id FROM a; EXCEPTION WHEN OTHERS THEN
        RAISE unique_violation USING MESSAGE = 'twice', DETAIL = 'row-data', HINT = 'row-data'; END $$;`;
    const error = await failureIn(sql, {}, site);
    const plain = 'INSERT INTO a (id) SELECT 1 FROM generate_series(1, 2);';
    const second = await failureIn(`CREATE TABLE a (id int UNIQUE); ${plain}`, {}, site);
    for (const shown of [error, second, error.cause, second.cause]) {
      expect(inspect(shown, { depth: 10, showHidden: true })).not.toMatch(/row-data|Key \(id\)/);
    }
    const runs = await site.rows<{ error: string }>('SELECT error FROM lockstep.run ORDER BY started_at');
    expect(runs).toHaveLength(2);
    expect(runs[0]?.error).toMatch(/^LS601: 0009_broken\.sql, line 2, column 7: twice\.$/);
  });

  it('is what is told, also when it cannot be recorded', async () => {
    const site = await siteForTest();
    await site.up(THINGS);
    await site.rows("ALTER TABLE lockstep.run ADD CHECK (verdict <> 'failed')");
    expect(await failureIn('SELECT nowhere;', THINGS, site)).toMatchObject({ code: 'LS601' });
  });

  it('of a lock that others hold tells how to wait longer', async () => {
    const site = await siteForTest();
    await site.up(THINGS);
    await otherSession(site, 'BEGIN; SELECT FROM things');
    const limits = '-- lockstep: lock-timeout=100ms\n-- lockstep: lock-wait=0';
    const sql = `${limits}\nSELECT 1;\nALTER TABLE things ADD COLUMN name text;`;
    const error = await failureIn(sql, THINGS, site);
    expect(error).toMatchObject({ code: 'LS610', context: { sqlstate: '55P03' }, position: { line: 4 } });
    expect(error.remedy).toMatch(/when whoever it is has ended.*-- lockstep: lock-wait=10min/);
  });

  it.each(['SELECT pg_sleep(60);', 'VACUUM FULL things;'])(
    'of its own time limit is LS604: %s',
    async (sql) => {
      const site = await siteForTest();
      await site.up(THINGS);
      await otherSession(site, 'BEGIN; SELECT FROM things');
      const error = await failureIn(`-- lockstep: statement-timeout=100ms\n${sql}`, THINGS, site);
      expect(error).toMatchObject({ code: 'LS604', context: { sqlstate: '57014' }, position: { line: 2 } });
      expect(error.remedy).toContain('-- lockstep: statement-timeout=');
    },
  );

  it.each([
    ['40P01', /^Run it again/],
    ['53100', /^Give the server the disk space/],
    ['42501', /^Grant the login/],
    ['22012', /^Correct the file/],
  ])('with SQLSTATE %s names who can mend it', async (sqlstate, remedy) => {
    const error = await failureIn(
      `-- lockstep: lock-wait=0\nDO $$ BEGIN RAISE 'refused' USING ERRCODE = '${sqlstate}'; END $$;`,
    );
    expect(error).toMatchObject({ code: 'LS601', context: { sqlstate } });
    expect(error.remedy).toMatch(remedy);
  });
});

describe('the limits of a migration', () => {
  it('are its own: those of the login and the database do not end it', async () => {
    const site = await siteForTest();
    // transaction_timeout came with PostgreSQL 17.
    const limits = await site.rows<{ name: string }>(`SELECT name FROM pg_settings
      WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout', 'transaction_timeout')`);
    for (const { name } of limits) await site.rows(`ALTER DATABASE ${site.name} SET ${name} = '200ms'`);
    const files = { '0001_slow.sql': 'SELECT pg_sleep(0.4);', '0002_slow.sql': 'SELECT pg_sleep(0.4);' };
    expect((await site.up(files)).applied).toHaveLength(2);
  });

  it('hold for its down script, too, however much later that runs', async () => {
    const site = await siteForTest();
    await site.up({
      '0001_a.sql': `-- lockstep: lock-timeout=100ms\n-- lockstep: lock-wait=0\n-- lockstep: statement-timeout=60s
        CREATE TABLE a ();`,
      '0001_a.down.sql': 'DROP TABLE a;',
    });
    await otherSession(site, 'BEGIN; SELECT FROM a');
    const startedMs = performance.now();
    const error = await failureOf(site.down({ kind: 'count', count: 1 }));
    expect(error).toMatchObject({ code: 'LS610', context: { sqlstate: '55P03' } });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
