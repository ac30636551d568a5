/** Roles that are no superusers and have no more than they need; docs/privileges.md has the grants. */
import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { tryLock } from '../../lib/adapters/postgres/advisory-lock.ts';
import { connect, type DatabaseConfig } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import {
  baseline,
  dryRun,
  endRunSessions,
  forceReleaseLock,
  readInstances,
  readStatus,
  removeInstance,
  repair,
  stamp,
  verify,
  waitUntilApplied,
} from '../../lib/engine/index.ts';
import { queryRows } from '../support/postgres.ts';
import { configOf, failureOf, newHolder, type Site, siteForTest, sourceOf } from './site.ts';

const maintenance = inject('postgresUrl');

/** Names of roles are the server's: each test has its own. */
interface Roles {
  readonly site: Site;
  /** The role's name in this test. */
  name(role: string): string;
  /** As a superuser, with `:role` for the names. */
  sql(text: string): Promise<unknown>;
  /** As one of the roles, with `:role` for the names. */
  as(role: string): DatabaseConfig;
  sqlAs(role: string, text: string): Promise<unknown>;
}

async function rolesForTest(): Promise<Roles> {
  const suffix = randomUUID().slice(0, 8);
  // Registered before the database's own: it runs after the database was dropped.
  onTestFinished(async () => {
    const roles = await queryRows<{ role: string }>(
      maintenance,
      `SELECT rolname AS role FROM pg_roles WHERE rolname LIKE '%\\_${suffix}'`,
    );
    for (const { role } of roles) await queryRows(maintenance, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
  const site = await siteForTest();
  const name = (role: string) => `${role}_${suffix}`;
  const named = (text: string) =>
    text.replaceAll(/(?<!:):(\w+)/g, (_, role) => (role === 'database' ? site.name : name(role)));
  const urlAs = (role: string) =>
    Object.assign(new URL(site.url), { username: name(role), password: 'word' }).href;
  return {
    site,
    name,
    sql: (text) => site.rows(named(text)),
    as: (role) => configOf(urlAs(role)),
    sqlAs: (role, text) => queryRows(urlAs(role), named(text)),
  };
}

/** Of each kind of step, with its way back. */
const ALL_KINDS = {
  '0001_table.sql':
    'CREATE TABLE notes (id bigint PRIMARY KEY, body text); INSERT INTO notes SELECT generate_series(1, 1200);',
  '0001_table.down.sql': 'DROP TABLE notes;',
  '0002_index.sql': 'CREATE INDEX CONCURRENTLY by_body ON notes (body);\nALTER TABLE notes ADD COLUMN n int;',
  '0002_index.down.sql': 'ALTER TABLE notes DROP COLUMN n; DROP INDEX CONCURRENTLY by_body;',
  '0003_fill.backfill.sql': "UPDATE notes SET body = 'filled' WHERE lockstep.batch(id);",
  '0003_fill.backfill.down.sql': 'UPDATE notes SET body = NULL;',
};
const LEAST = `CREATE ROLE :migrator LOGIN PASSWORD 'word'; REVOKE ALL ON DATABASE :database FROM PUBLIC;
  GRANT CONNECT ON DATABASE :database TO :migrator; CREATE SCHEMA app AUTHORIZATION :migrator;
  ALTER ROLE :migrator IN DATABASE :database SET search_path = app`;
const LEDGER = 'CREATE SCHEMA lockstep AUTHORIZATION :migrator';

describe('a role that may create nothing in the database', () => {
  it('applies and reverts steps of every kind in schemas that were made for it', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql(`${LEAST}; ${LEDGER}`);
    const database = as('migrator');
    expect((await site.up(ALL_KINDS, { database })).applied).toHaveLength(3);
    expect(await site.rows("SELECT FROM app.notes WHERE body = 'filled'")).toHaveLength(1200);
    expect((await site.down({ kind: 'to', revision: '0' }, { database })).reverted).toHaveLength(3);
  });

  it('tries, stamps, repairs and checks as well, and who may only read the ledger checks, too', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql(
      `${LEAST}; ${LEDGER}; CREATE ROLE :reader LOGIN PASSWORD 'word'; GRANT CONNECT ON DATABASE :database TO :reader`,
    );
    const context = { ...site.context(), database: as('migrator') };
    const source = sourceOf(ALL_KINDS);
    expect((await dryRun({ ...context, source })).tried.length).toBeGreaterThan(0);
    expect(await site.rows("SELECT to_regclass('app.notes') AS notes")).toEqual([{ notes: null }]);
    await site.up(ALL_KINDS, context);
    const files = {
      ...ALL_KINDS,
      '0001_table.sql': `-- Notes\n${ALL_KINDS['0001_table.sql']}`,
      '0009_done.sql': 'SELECT 1;',
    };
    const edited = sourceOf(files);
    expect((await stamp({ ...context, source: edited, revisions: ['9'] })).stamped).toEqual(['0009_done']);
    expect((await repair({ ...context, source: edited, accept: [] })).recorded).toHaveLength(1);
    await sql(
      `GRANT USAGE ON SCHEMA lockstep, app TO :reader; GRANT SELECT ON ALL TABLES IN SCHEMA lockstep TO :reader;
       ALTER ROLE :reader IN DATABASE :database SET search_path = app`,
    );
    for (const role of ['migrator', 'reader']) {
      const checked = await verify({ ...context, database: as(role), source: edited, loadParser });
      expect(checked).toMatchObject({ findings: [], migrations: 4 });
      expect(checked.objects).toBeGreaterThan(1);
    }
  });

  it('goes on from a baseline, out of order, with repeatable objects, and the app records its instances', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql(`${LEAST}; ${LEDGER}; CREATE ROLE :app LOGIN PASSWORD 'word'; GRANT CONNECT ON DATABASE :database TO :app;
      GRANT USAGE ON SCHEMA lockstep TO :app;
      ALTER DEFAULT PRIVILEGES FOR ROLE :migrator IN SCHEMA lockstep GRANT SELECT ON TABLES TO :app`);
    const context = { ...site.context(), database: as('migrator') };
    const files = {
      '0001_a.sql': 'CREATE TABLE a (id int);',
      '0003_c.sql': 'CREATE TABLE c (id int);',
      'R_ids.sql': 'CREATE OR REPLACE VIEW ids AS SELECT id FROM c;',
    };
    await baseline({ ...context, source: sourceOf(files), revision: '1' });
    expect((await site.up(files, context)).applied).toEqual(['0003_c', 'R_ids']);
    const all = { ...files, '0002_b.sql': 'CREATE TABLE b (id int);' };
    expect((await site.up(all, { ...context, holder: newHolder(), outOfOrder: 'allow' })).applied).toEqual([
      '0002_b',
    ]);

    const app = { ...context, database: as('app') };
    const instance = { id: 'web/1', name: 'web', everyMs: 30_000 };
    await waitUntilApplied({ ...app, source: sourceOf(all), timeoutMs: 10_000, instance });
    expect(await readInstances(app)).toMatchObject([{ name: 'web', alive: true }]);
    expect(await failureOf(removeInstance(app, 'web'))).toMatchObject({ code: 'LS306' });
  });

  it('is told how to let it make the ledger: LS306', async () => {
    const { site, sql, as, name } = await rolesForTest();
    await sql(LEAST);
    const database = as('migrator');
    const error = await failureOf(site.up(ALL_KINDS, { database }));
    expect(error).toMatchObject({ code: 'LS306' });
    const grant = /GRANT CREATE ON DATABASE \S+ TO "\w+"/.exec(error.remedy)?.[0] ?? '';
    expect(grant).toContain(name('migrator'));
    await sql(grant);
    expect((await site.up(ALL_KINDS, { database })).applied).toHaveLength(3);
  });

  it('is told whose the schema is, when that is not its own: LS306', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql(`${LEAST}; CREATE SCHEMA lockstep; GRANT USAGE ON SCHEMA lockstep TO :migrator`);
    const database = as('migrator');
    const error = await failureOf(site.up(ALL_KINDS, { database }));
    expect(error).toMatchObject({ code: 'LS306' });
    await sql(/ALTER SCHEMA lockstep OWNER TO "\w+"/.exec(error.remedy)?.[0] ?? '');
    expect((await site.up(ALL_KINDS, { database })).applied).toHaveLength(3);
  });
});

describe('a login', () => {
  it('that may not connect is told the grant: LS306', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql("CREATE ROLE :other LOGIN PASSWORD 'word'; REVOKE ALL ON DATABASE :database FROM PUBLIC");
    const error = await failureOf(readStatus({ ...site.context(), database: as('other') }));
    expect(error).toMatchObject({ code: 'LS306' });
    await sql(/GRANT CONNECT ON DATABASE \S+ TO "\w+"/.exec(error.remedy)?.[0] ?? '');
    expect((await readStatus({ ...site.context(), database: as('other') })).lock).toBeNull();
  });

  it('that may not read the ledger is told the grants: LS306', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql("CREATE ROLE :reader LOGIN PASSWORD 'word'");
    await site.up(ALL_KINDS);
    const reader = { ...site.context(), database: as('reader') };
    const error = await failureOf(readStatus(reader));
    expect(error).toMatchObject({ code: 'LS306' });
    for (const [grant] of error.remedy.matchAll(/GRANT (USAGE|SELECT) .*? TO "\w+"/g)) await sql(grant);
    expect((await readStatus(reader)).ledger.current).toHaveLength(3);
    expect(await failureOf(site.down({ kind: 'count', count: 1 }, reader))).toMatchObject({ code: 'LS306' });
  });

  it("that is a member of the tables' owner changes them, and what it makes is its own", async () => {
    const { site, sql, as, name } = await rolesForTest();
    await sql(`${LEAST}; ${LEDGER}; CREATE ROLE :owner; GRANT USAGE ON SCHEMA app TO :owner; GRANT :owner TO :migrator;
      CREATE TABLE app.people (id int PRIMARY KEY); ALTER TABLE app.people OWNER TO :owner`);
    const files = {
      '0001_people.sql': 'ALTER TABLE people ADD COLUMN age int; CREATE TABLE pets ();',
      '0002_index.sql': 'CREATE INDEX CONCURRENTLY by_age ON people (age);',
    };
    expect((await site.up(files, { database: as('migrator') })).applied).toHaveLength(2);
    const owners =
      "SELECT tablename AS t, tableowner AS o FROM pg_tables WHERE schemaname = 'app' ORDER BY 1";
    expect(await site.rows(owners)).toEqual([
      { t: 'people', o: name('owner') },
      { t: 'pets', o: name('migrator') },
    ]);
  });

  it('that acts as the owner (ALTER ROLE … SET role) makes everything as the owner', async () => {
    const { site, sql, as, name } = await rolesForTest();
    await sql(`CREATE ROLE :owner; CREATE ROLE :login LOGIN PASSWORD 'word' NOINHERIT; GRANT :owner TO :login;
      ALTER ROLE :login SET role = :owner; CREATE SCHEMA lockstep AUTHORIZATION :owner;
      CREATE SCHEMA app AUTHORIZATION :owner; ALTER ROLE :login IN DATABASE :database SET search_path = app`);
    const database = as('login');
    expect((await site.up(ALL_KINDS, { database })).applied).toHaveLength(3);
    const owners = `SELECT DISTINCT tableowner AS o FROM pg_tables WHERE schemaname IN ('app', 'lockstep')`;
    expect(await site.rows(owners)).toEqual([{ o: name('owner') }]);
    expect((await site.down({ kind: 'to', revision: '0' }, { database })).reverted).toHaveLength(3);
  });
});

describe('without pg_signal_backend', () => {
  const TWO = `${LEAST}; ${LEDGER}; CREATE ROLE :second LOGIN PASSWORD 'word'; GRANT CONNECT ON DATABASE :database TO :second;
    GRANT USAGE ON SCHEMA lockstep TO :second`;
  const MEMBER = 'GRANT :migrator TO :second';
  const PG_SIGNAL_BACKEND = /GRANT pg_signal_backend TO "\w+"/;

  /** A session that has the lock, as one that a killed attempt left behind. */
  async function holderAs(database: DatabaseConfig) {
    const session = await connect({
      config: database,
      clock: systemClock,
      applicationName: 'lockstep #1 run',
    });
    onTestFinished(() => session.end());
    expect(await tryLock(session, 'lockstep #1 run')).toBe(true);
    return session;
  }

  it('a role ends sessions of its own, and those of others are LS306 until it is granted', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql(TWO);
    const own = { ...site.context(), database: as('migrator') };
    const session = await holderAs(own.database);
    expect(await forceReleaseLock(own)).toMatchObject({ endedSession: session.facts.pid });

    const another = await holderAs(as('migrator'));
    const second = { ...site.context(), database: as('second') };
    const error = await failureOf(forceReleaseLock(second));
    expect(error).toMatchObject({ code: 'LS306' });
    expect((await readStatus({ ...site.context() })).lock?.pid).toBe(another.facts.pid);
    await sql(PG_SIGNAL_BACKEND.exec(error.remedy)?.[0] ?? '');
    expect(await forceReleaseLock(second)).toMatchObject({ endedSession: another.facts.pid });
  });

  it('who may end sessions and not write the ledger frees the lock, and is told that it is not recorded', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql(TWO);
    await site.up({ '0001_a.sql': 'CREATE TABLE app.a ();' }, { database: as('migrator') });
    await sql('GRANT pg_signal_backend TO :second; GRANT SELECT ON ALL TABLES IN SCHEMA lockstep TO :second');
    const holder = await holderAs(as('migrator'));
    const second = { ...site.context(), database: as('second') };
    const freed = { endedSession: holder.facts.pid, recorded: false };
    expect(await forceReleaseLock(second)).toMatchObject(freed);
    expect((await readStatus(second)).lock).toBeNull();
  });

  it('the clean-up of a run is refused in the same way', async () => {
    const { site, sql, as } = await rolesForTest();
    await sql(TWO);
    const session = await holderAs(as('migrator'));
    const error = await failureOf(endRunSessions({ ...site.context(), database: as('second') }, 'run'));
    expect(error).toMatchObject({ code: 'LS306', remedy: expect.stringMatching(PG_SIGNAL_BACKEND) });
    expect(session.isLost).toBe(false);
    expect(await endRunSessions({ ...site.context(), database: as('migrator') }, 'run')).toBe(1);
  });

  it("a member of the migrator's role ends its sessions, too, and migrates after them", async () => {
    const { site, sql, as } = await rolesForTest();
    await sql(`${TWO}; ${MEMBER}`);
    await holderAs(as('migrator'));
    const second = { ...site.context(), database: as('second') };
    expect((await forceReleaseLock(second)).endedSession).not.toBeNull();
    const files = { '0001_a.sql': 'CREATE TABLE app.a ();' };
    expect((await site.up(files, second)).applied).toEqual(['0001_a']);
  });
});

describe('the master user of a managed service', () => {
  // As Amazon RDS makes it: no superuser, member of a role that has the predefined ones.
  const MASTER = `CREATE ROLE :rds_superuser NOLOGIN; GRANT pg_monitor, pg_signal_backend TO :rds_superuser WITH ADMIN OPTION;
    CREATE ROLE :master LOGIN CREATEDB CREATEROLE PASSWORD 'word' IN ROLE :rds_superuser`;

  it('makes a database, the roles and their schemas, and its migrator migrates with them', async () => {
    const { site, sql, as, sqlAs, name } = await rolesForTest();
    await sql(MASTER);
    const made = `made_${randomUUID().slice(0, 8)}`;
    onTestFinished(async () => {
      await queryRows(maintenance, `DROP DATABASE IF EXISTS ${made} WITH (FORCE)`);
    });
    const database = { ...as('master'), database: made };
    const files = { '0001_a.sql': 'CREATE SCHEMA app; CREATE TABLE app.a ();' };
    expect((await site.up(files, { database, createDatabase: true })).outcome).toBe('applied');
    const owner = 'SELECT pg_get_userbyid(datdba) AS o FROM pg_database WHERE datname = ';
    expect(await site.rows(`${owner}'${made}'`)).toEqual([{ o: name('master') }]);

    await sql('ALTER DATABASE :database OWNER TO :master');
    await sqlAs(
      'master',
      `CREATE ROLE :migrator LOGIN PASSWORD 'word'; GRANT :migrator TO CURRENT_USER;
       CREATE SCHEMA app AUTHORIZATION :migrator; CREATE SCHEMA lockstep AUTHORIZATION :migrator;
       ALTER ROLE :migrator IN DATABASE :database SET search_path = app`,
    );
    const migrator = { database: as('migrator') };
    expect((await site.up(ALL_KINDS, migrator)).applied).toHaveLength(3);
    // For its roles the master reads what there is: it is a member of each that it made.
    const status = await readStatus({ ...site.context(), database: as('master') });
    expect(status.ledger.current).toHaveLength(3);
  });
});
