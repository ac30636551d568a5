/**
 * What the processes of one scenario share: a database, a lease, and a set of migrations whose effects are written
 * to a table without any constraint, so that whatever happens twice or out of turn shows.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestContext } from 'vitest';
import { dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import { compileBundle } from '../../lib/core/plan/compile/index.ts';
import { openSource } from '../../lib/settings/index.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createDatabase } from '../support/postgres.ts';
import type { AttemptArguments } from './attempt.ts';
import type { Edit } from './edit.ts';
import type { Fault } from './fault.ts';
import { FaultyProcess, type Start } from './faulty-process.ts';
import { type MigrationSet, WORK_KEY } from './migration-sets.ts';

export type LeaseKind = 'postgres' | 'dynamodb';

/** Short, because a take-over takes as long as that. */
export const LEASE_MS = 3_000;

/** Each effect notes who made it, and who had been let in last at that time. */
const EFFECTS = `
  CREATE FUNCTION let_in(OUT token bigint, OUT pid int) LANGUAGE plpgsql AS
    'BEGIN SELECT f.token, f.pid INTO token, pid FROM lockstep.fence f; END';
  CREATE TABLE effects (
    id bigint GENERATED ALWAYS AS IDENTITY,
    revision text NOT NULL,
    token bigint DEFAULT split_part(split_part(current_setting('application_name'), '#', 2), ' ', 1)::bigint,
    pid int DEFAULT pg_backend_pid(),
    token_let_in bigint DEFAULT (let_in()).token,
    pid_let_in int DEFAULT (let_in()).pid
  );
  CREATE FUNCTION unhurried(value text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
    'BEGIN WHILE NOT pg_try_advisory_xact_lock_shared(${WORK_KEY}) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN value; END';
  CREATE TABLE parted (id int) PARTITION BY LIST (id);
  CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);`;

export interface WorldOptions {
  readonly context: TestContext;
  readonly lease: LeaseKind;
  readonly set: MigrationSet;
  readonly edits: readonly Edit[];
}

export interface World {
  readonly url: string;
  readonly set: MigrationSet;
  readonly edits: readonly Edit[];
  /** The table's; undefined if PostgreSQL gives the lease. */
  readonly leases: LeaseStore | undefined;
  /** Of the lease: the name of the database. */
  readonly target: string;
  query<Row extends object>(sql: string): Promise<Row[]>;
  /** `lockstep up`. */
  up(options?: { readonly fault?: Fault; readonly args?: readonly string[] }): FaultyProcess;
  /** attempt.ts */
  attempt(execution: string, durationMs: number, fault?: Fault): FaultyProcess;
}

export async function createWorld({ context, lease, set, edits }: WorldOptions): Promise<World> {
  // In the reverse order.
  const atEnd = (act: () => Promise<void>) => context.onTestFinished(act);
  const database = await createDatabase();
  atEnd(database.drop);
  const client = await connect(database.url);
  atEnd(() => client.end());
  await client.query(EFFECTS);
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-faults-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const bundle = await compileIn(folder, set);
  const table = lease === 'dynamodb' ? await startDynalite() : undefined;
  if (table) atEnd(table.close);

  const env = { DATABASE_URL: database.url, ...(table ? awsEnvironment(table.endpoint) : {}) };
  const start = (options: Pick<Start, 'program' | 'args' | 'fault'>) => {
    const started = new FaultyProcess({ ...options, env, edits });
    atEnd(() => started.kill());
    return started;
  };
  const target = database.name;
  const tableName = table?.tableName ?? '';
  const where = table ? ['--lease', `dynamodb://${tableName}`] : [];
  const up = ['up', '--json', '--bundle', bundle, '--lease-duration', `${LEASE_MS}ms`, ...where];
  return {
    url: database.url,
    set,
    edits,
    target,
    leases: table && dynamoLeaseStore({ tableName, client: table.client }),
    query: async (sql) => (await client.query(sql)).rows,
    up: ({ fault, args = [] } = {}) => start({ program: 'lockstep', args: [...up, ...args], fault }),
    attempt: (execution, durationMs, fault) => {
      const given: AttemptArguments = { tableName, target, execution, bundle, durationMs };
      return start({ program: 'attempt', args: [JSON.stringify(given)], fault });
    },
  };
}

/** Gives the path of the bundle: with it, the processes need not load the parser. */
async function compileIn(folder: string, { files }: MigrationSet): Promise<string> {
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql);
  const bundle = await compileBundle(await openSource({ migrations: folder }));
  const path = join(folder, 'bundle.json');
  await writeFile(path, JSON.stringify(bundle));
  return path;
}

const awsEnvironment = (endpoint: string) => ({
  AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
});

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'tests' });
  // The database may be dropped while it is connected.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
