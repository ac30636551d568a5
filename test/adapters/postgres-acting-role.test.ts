/** A login whose role is set for it (ALTER ROLE … SET role), as tools for short-lived credentials do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseConfigFrom } from '../../lib/adapters/postgres/config.ts';
import { connect, PostgresLeaseStore } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { makeBundle, sourceOfBundle } from '../../lib/core/plan/index.ts';
import { forceReleaseLock, migrate, readStatus } from '../../lib/engine/index.ts';
import { compile } from '../support/compile.ts';
import { createDatabase, queryRows, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let owner: string;
let login: string;
let url: URL;
beforeAll(async () => {
  database = await createDatabase();
  [owner, login] = [`owner_${database.name}`, `login_${database.name}`];
  await queryRows(
    database.url,
    `CREATE ROLE ${owner}; CREATE ROLE ${login} LOGIN PASSWORD 'word' NOINHERIT IN ROLE ${owner};
     ALTER ROLE ${login} SET role = '${owner}'; GRANT CREATE ON DATABASE ${database.name} TO ${owner};
     GRANT CREATE ON SCHEMA public TO ${owner}`,
  );
  url = new URL(database.url);
  [url.username, url.password] = [login, 'word'];
});
afterAll(async () => {
  const maintenance = new URL(database.url);
  maintenance.pathname = '/postgres';
  await database.drop();
  await queryRows(maintenance.href, `DROP ROLE ${login}; DROP ROLE ${owner}`);
});

const context = () => ({
  database: databaseConfigFrom({ url: url.href, env: {}, readFile: () => '' }),
  clock: systemClock,
  leases: 'postgres' as const,
  target: 'orders',
  holder: 'here:1:a',
});

const source = sourceOfBundle(makeBundle([compile('CREATE TABLE public.a (id int);\nSET ROLE NONE;')]));

describe('a login that acts as another role', () => {
  test('migrates as that role, also after a migration that changed it', async () => {
    const second = { ...compile('CREATE TABLE public.b (id int);'), revision: '0002', slug: 'second' };
    const both = sourceOfBundle(makeBundle([...(await source.load(['0001'])), second]));
    const options = { ...context(), source: both, leaseDurationMs: 30_000, leaseWaitMs: 10_000 };
    await expect(migrate(options)).resolves.toMatchObject({ applied: ['0001_first', '0002_second'] });
    const owners = await queryRows(
      database.url,
      `SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'lockstep')`,
    );
    expect(owners).toEqual([{ tableowner: owner }]);
  });

  test('sees who holds the lock, and can end that session', async () => {
    const { database: config, target } = context();
    const session = await connect({ config, clock: systemClock, applicationName: 'lockstep holder' });
    const store = new PostgresLeaseStore(session, (ms) => systemClock.sleep(ms));
    await store.tryAcquire({ target, holder: 'there:2:b', durationMs: 30_000 });
    const status = await readStatus(context());
    expect(status).toMatchObject({ lease: { state: 'HELD', holder: 'there:2:b' }, lock: { state: 'idle' } });
    expect(await forceReleaseLock(context())).toMatchObject({ endedSession: session.facts.pid });
    expect(await readStatus(context())).toMatchObject({ lease: { state: 'FREE' }, lock: null });
    await session.end();
  });
});
