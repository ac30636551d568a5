import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase } from '../../lib/adapters/postgres/create-database.ts';
import { connect, type DatabaseConfig } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import { type EngineEvent, type MigrateOptions, migrate } from '../../lib/engine/index.ts';
import { renumberingPooler } from '../support/poolers.ts';
import { queryRows } from '../support/postgres.ts';
import { configOf, failureOf, newHolder, sourceOf } from './site.ts';

const maintenance = inject('postgresUrl');
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Of a database that is not there; what a test makes under it is dropped with the test. */
function freeName(prefix = 'made_'): string {
  const name = `${prefix}${randomUUID().slice(0, 8)}`;
  onTestFinished(async () => {
    await queryRows(maintenance, `DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
  });
  return name;
}

async function roleFor(attributes: string): Promise<{ user: string; password: string }> {
  const user = `creator_${randomUUID().slice(0, 8)}`;
  await queryRows(maintenance, `CREATE ROLE ${user} LOGIN PASSWORD 'word' ${attributes}`);
  onTestFinished(async () => {
    await queryRows(maintenance, `DROP ROLE ${user}`);
  });
  return { user, password: 'word' };
}

const FILES = { '0001_a.sql': 'CREATE TABLE a ();' };

function up(database: DatabaseConfig, options: Partial<MigrateOptions> = {}) {
  const given = {
    leases: 'postgres' as const,
    target: 'orders',
    leaseDurationMs: 10_000,
    leaseWaitMs: 20_000,
  };
  const source = sourceOf(FILES);
  return migrate({ ...given, database, clock: systemClock, holder: newHolder(), source, ...options });
}

const named = (database: string): DatabaseConfig => ({ ...configOf(maintenance), database });
const isThere = async (name: string) =>
  (await queryRows(maintenance, 'SELECT FROM pg_database WHERE datname = $1', [name])).length === 1;

describe('a database that does not exist', () => {
  it('is an error if it was not asked for: LS308', async () => {
    const name = freeName();
    expect(await failureOf(up(named(name)))).toMatchObject({ code: 'LS308' });
    expect(await isThere(name)).toBe(false);
  });

  it('is made when it was asked for, whatever its name, and owned by a login that may no more than that', async () => {
    const login = await roleFor('CREATEDB');
    const name = freeName('Orders "2" of a\\b, ');
    const seen: EngineEvent[] = [];
    const on = (event: EngineEvent) => void seen.push(event);
    const result = await up({ ...named(name), ...login }, { createDatabase: true, on });
    expect(result).toMatchObject({ outcome: 'applied', applied: ['0001_a'] });
    expect(seen[0]).toEqual({ kind: 'database-created', database: name });
    expect(
      await queryRows(
        maintenance,
        'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1',
        [name],
      ),
    ).toEqual([{ owner: login.user }]);

    seen.length = 0;
    const again = await up({ ...named(name), ...login }, { createDatabase: true, on });
    expect(again.outcome).toBe('nothing-pending');
    expect(seen).toEqual([]);
  });

  it('is made once by 30 that start together, and each of them ends well', async () => {
    const name = freeName();
    let made = 0;
    const on = ({ kind }: EngineEvent) => {
      if (kind === 'database-created') made += 1;
    };
    const results = await Promise.all(
      Array.from({ length: 30 }, () => up(named(name), { createDatabase: true, on })),
    );
    expect(made).toBe(1);
    expect(results.filter(({ ran }) => ran)).toHaveLength(1);
  }, 60_000);

  it('cannot be made by a role without CREATEDB: LS306 with the grant; one that is there needs none', async () => {
    const login = await roleFor('NOCREATEDB');
    const error = await failureOf(up({ ...named(freeName()), ...login }, { createDatabase: true }));
    expect(error).toMatchObject({ code: 'LS306', context: { role: login.user } });
    expect(error.remedy).toContain(`ALTER ROLE "${login.user}" CREATEDB`);
    const name = freeName();
    await queryRows(maintenance, `CREATE DATABASE ${name} OWNER ${login.user}`);
    const result = await up({ ...named(name), ...login }, { createDatabase: true });
    expect(result.outcome).toBe('applied');
  });

  it('is made with the lease in another store, too', async () => {
    const { MemoryLeaseStore } = await import('../../lib/adapters/memory/index.ts');
    const leases = new MemoryLeaseStore();
    const result = await up(named(freeName()), { createDatabase: true, leases });
    expect(result.outcome).toBe('applied');
  });
});

describe('behind a pooler', () => {
  it('no database is made: LS310', async () => {
    const name = freeName();
    const database = { ...named(name), port: await renumberingPooler(maintenance) };
    const error = await failureOf(up(database, { createDatabase: true }));
    expect(error).toMatchObject({ code: 'LS310', name: 'DatabaseRefusedError' });
    expect(await isThere(name)).toBe(false);
  });

  it('that keeps to one session, one that is there is migrated, also when it would be made', async () => {
    const name = freeName();
    await queryRows(maintenance, `CREATE DATABASE ${name}`);
    const database = { ...named(name), port: await renumberingPooler(maintenance) };
    expect((await up(database, { createDatabase: true })).outcome).toBe('applied');
  });
});

describe('a server without a database postgres that the login may open', () => {
  const opening = (refused: readonly string[]) => async (database: string) => {
    const what = `no ${database}`;
    if (refused.includes(database)) throw new LockstepError('LS308', { what, state: '', remedy: '' });
    return connect({ config: named(database), clock: systemClock, applicationName: 'lockstep test' });
  };

  it('gives template1 to make it from, where several are not in the way of one another', async () => {
    const database = freeName();
    const open = opening(['postgres']);
    const made = await Promise.all([1, 2, 3, 4].map(() => createDatabase({ database, open })));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await isThere(database)).toBe(true);
  });

  it('nor template1 is LS311', async () => {
    const open = opening(['postgres', 'template1']);
    expect(await failureOf(createDatabase({ database: freeName(), open }))).toMatchObject({ code: 'LS311' });
  });
});
