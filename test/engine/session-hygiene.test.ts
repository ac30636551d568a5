import { describe, expect, it, onTestFinished } from 'vitest';
import { type Migration, makeBundle, sha256, sourceOfBundle } from '../../lib/core/plan/index.ts';
import { migrate } from '../../lib/engine/index.ts';
import { compile } from '../support/compile.ts';
import { configOf, type Files, failureOf, LEFT_BEHIND, type Site, siteForTest } from './site.ts';

/** A login of its own on the site's database, which owns the schema public; gone with the test. */
async function loginOn(site: Site, more = ''): Promise<Site['database']> {
  const name = `login_${site.name}`;
  await site.rows(`CREATE ROLE ${name} LOGIN PASSWORD 'word'; GRANT ALL ON DATABASE ${site.name} TO ${name};
    ALTER SCHEMA public OWNER TO ${name}; ${more.replaceAll('LOGIN', name)}`);
  // Before the database itself goes.
  onTestFinished(async () => {
    await site.rows(`REASSIGN OWNED BY ${name} TO CURRENT_USER; DROP OWNED BY ${name}; DROP ROLE ${name}`);
  });
  const url = new URL(site.url);
  return configOf(Object.assign(url, { username: name, password: 'word' }).href);
}

/** What a migration finds set in its session; not what Lockstep sets for each anew, such as its timeouts. */
const SEE_SETTINGS = `CREATE TABLE public.seen AS
  SELECT name, setting FROM pg_catalog.pg_settings WHERE name <> 'statement_timeout'
  UNION ALL SELECT 'user', session_user || '/' || current_user
  UNION ALL SELECT 'own', NULLIF(pg_catalog.current_setting('lockstep_test.own', true), '')
  UNION ALL SELECT 'temporary table', pg_catalog.to_regclass('pg_temp.left_over')::text
  UNION ALL SELECT 'prepared', name FROM pg_catalog.pg_prepared_statements
  UNION ALL SELECT 'cursor', name FROM pg_catalog.pg_cursors
  UNION ALL SELECT 'channel', pg_catalog.pg_listening_channels();`;

async function settingsSeen(files: Files): Promise<unknown[]> {
  const site = await siteForTest();
  await site.rows(`CREATE ROLE other_${site.name}`);
  onTestFinished(async () => {
    await site.rows(`DROP OWNED BY other_${site.name}; DROP ROLE other_${site.name}`);
  });
  await site.rows(`GRANT ALL ON SCHEMA public TO other_${site.name}`);
  const renamed = Object.entries(files).map(([file, sql]) => [
    file,
    sql.replaceAll('OTHER', `other_${site.name}`),
  ]);
  await site.up({ ...Object.fromEntries(renamed), '0009_see.sql': SEE_SETTINGS }, { holder: 'host:1:a' });
  return site.rows('SELECT name, setting FROM seen ORDER BY 1, 2');
}

const DISTURBING = {
  '0001_settings.sql': `SET search_path = information_schema; SET lock_timeout = '1ms'; SET statement_timeout = '1h';
    SET standard_conforming_strings = off; SET client_encoding = 'LATIN1'; SET TIME ZONE 'Asia/Tokyo';
    SELECT set_config('DateStyle', 'German', false); SET session_replication_role = replica;
    SET default_transaction_read_only = on; SET default_transaction_isolation = 'serializable';
    SET lockstep_test.own = 'still here'; SET application_name = 'gone'; SET bytea_output = 'escape';
    SET idle_session_timeout = 1; SET SESSION CHARACTERISTICS AS TRANSACTION DEFERRABLE;`,
  '0002_login.sql': 'SET SESSION AUTHORIZATION OTHER; CREATE TABLE public.by_other ();',
  '0003_role.sql': 'SET ROLE OTHER; CREATE TABLE public.by_other_2 ();',
  '0004_left_over.sql': `CREATE TEMP TABLE left_over (id int); PREPARE prepared AS SELECT 1;
    DECLARE held CURSOR WITH HOLD FOR SELECT 1; DO $$ BEGIN EXECUTE 'LISTEN channel'; END $$;`,
};

describe('what a migration does to its session', () => {
  it('does not reach the next one', async () => {
    expect(await settingsSeen(DISTURBING)).toEqual(await settingsSeen({ '0001_nothing.sql': 'SELECT 1;' }));
  });

  it('may be a temporary table of the same name in each', async () => {
    const site = await siteForTest();
    const sql = 'CREATE TEMP TABLE work (id int); PREPARE go AS SELECT 1; INSERT INTO work VALUES (1);';
    const { applied } = await site.up({ '0001_a.sql': sql, '0002_b.sql': sql });
    expect(applied).toHaveLength(2);
  });

  it('cannot give up the advisory lock: LS608, rolled back, and the next run goes on', async () => {
    const site = await siteForTest();
    const unlock =
      'CREATE TABLE a (); DO $$ BEGIN PERFORM pg_advisory_unlock_all(); END $$; CREATE TABLE b ();';
    const error = await failureOf(site.up({ '0001_unlock.sql': unlock }));
    expect(error).toMatchObject({ code: 'LS608', state: 'It was rolled back.' });
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
    expect(await site.up({ '0001_unlock.sql': 'CREATE TABLE a (); CREATE TABLE b ();' })).toMatchObject({
      applied: ['0001_unlock'],
    });
  });
});

describe("the login's own search_path", () => {
  it('is what migrations, deferred triggers and index look-ups run under, whatever it hides', async () => {
    const site = await siteForTest();
    const database = await loginOn(
      site,
      `CREATE SCHEMA app AUTHORIZATION LOGIN; ALTER ROLE LOGIN SET search_path = app, pg_catalog;`,
    );
    const { applied } = await site.up(
      {
        '0001_hostile.sql': `
          CREATE FUNCTION refuse() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
          CREATE FUNCTION refuse(int, numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
          CREATE FUNCTION refuse(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
          CREATE FUNCTION refuse(bigint, bigint) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
          CREATE FUNCTION refuse(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
          CREATE FUNCTION set_config(text, text, bool) RETURNS text LANGUAGE sql AS $$ SELECT refuse()::text $$;
          CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT refuse()::text $$;
          CREATE TABLE pg_locks (pid int); CREATE TABLE pg_stat_activity (pid int); CREATE TABLE pg_class (oid int);`,
        '0002_operators.sql': `
          CREATE OPERATOR * (LEFTARG = int, RIGHTARG = numeric, FUNCTION = refuse);
          CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = refuse);
          CREATE OPERATOR ~* (LEFTARG = text, RIGHTARG = text, FUNCTION = refuse);
          CREATE OPERATOR < (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = refuse);
          CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = refuse);
          CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = refuse);`,
        '0003_table.sql': `CREATE TABLE notes (id text);
          CREATE FUNCTION count_notes() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM count(*) FROM notes; RETURN NULL; END $$;
          CREATE CONSTRAINT TRIGGER at_the_end AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION count_notes();`,
        '0004_rows.sql': "INSERT INTO notes VALUES ('a');",
        '0005_index.sql': 'CREATE INDEX CONCURRENTLY notes_id ON notes (id);',
      },
      { database },
    );
    expect(applied).toHaveLength(5);
    // In a session that finds all that when it begins.
    const more = await site.up({ '0006_more.sql': 'CREATE TABLE more ();' }, { database });
    expect(more.applied).toEqual(['0006_more']);
    expect(await site.rows("SELECT schemaname AS s FROM pg_tables WHERE tablename = 'notes'")).toEqual([
      { s: 'app' },
    ]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });
});

/** Past the compiler, which refuses it: the statements are cut at their semicolons. */
function handMade(sql: string): Migration {
  const migration = compile('SELECT 1;');
  const statements = [...sql.matchAll(/[^;]+/g)].map(({ 0: text, index }) => ({
    start: index,
    end: index + text.length,
    kind: 'SelectStmt',
    transactional: true,
  }));
  return { ...migration, up: { ...migration.up, sql, sha256: sha256(sql), statements } };
}

describe('a bundle that ends its own transaction', () => {
  const run = async (sql: string) => {
    const site = await siteForTest();
    const source = sourceOfBundle(makeBundle([handMade(sql)]));
    const error = await failureOf(migrate({ ...site.context(), source }));
    const tables = await site.rows<{ t: string }>(
      `SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'`,
    );
    const entries = await site.rows('SELECT revision FROM lockstep.applied');
    return { error, tables: tables.map(({ t }) => t), applied: entries.length };
  };

  it.each([
    ['COMMIT', 'CREATE TABLE a ();COMMIT;CREATE TABLE b ()', ['a'], 1],
    ['COMMIT AND CHAIN', 'CREATE TABLE a ();COMMIT AND CHAIN;CREATE TABLE b ()', ['a'], 1],
    ['ROLLBACK', 'CREATE TABLE a ();ROLLBACK;CREATE TABLE b ()', [], 0],
    ['COMMIT and BEGIN', 'CREATE TABLE a ();COMMIT;BEGIN;CREATE TABLE b ()', ['a'], 1],
  ])('with %s is LS602, and what comes after it is rolled back', async (_, sql, tables, applied) => {
    const outcome = await run(sql);
    expect(outcome).toMatchObject({ error: { code: 'LS602' }, tables, applied });
  });
});
