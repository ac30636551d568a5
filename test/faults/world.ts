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
import { type Fault, type LeaseKind, placeWith } from './fault.ts';
import { FaultyProcess, type Start } from './faulty-process.ts';
import { type LeaseFault, startLeaseLink } from './lease-link.ts';
import { type MigrationSet, WORK_KEY } from './migration-sets.ts';

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
  /** Of what takes long by itself; it takes no protection away. */
  readonly pace?: readonly Edit[];
}

export interface Up {
  readonly fault?: Fault | LeaseFault;
  readonly args?: readonly string[];
  /** By which it reaches the server. */
  readonly url?: string;
}

export interface World {
  readonly url: string;
  readonly lease: LeaseKind;
  readonly set: MigrationSet;
  readonly edits: readonly Edit[];
  /** The table's; undefined if PostgreSQL gives the lease. */
  readonly leases: LeaseStore | undefined;
  /** Of the lease: the name of the database. */
  readonly target: string;
  query<Row extends object>(sql: string): Promise<Row[]>;
  /** From now on, this is what processes find when they begin. */
  deploy(set: MigrationSet): Promise<void>;
  /** `lockstep up`. */
  up(options?: Up): FaultyProcess;
  /** attempt.ts */
  attempt(execution: string, durationMs: number, fault?: Fault): FaultyProcess;
}

export async function createWorld({ context, lease, set, edits, pace = [] }: WorldOptions): Promise<World> {
  // In the reverse order.
  const atEnd = (act: () => Promise<void>) => context.onTestFinished(act);
  const database = await createDatabase();
  atEnd(database.drop);
  const client = await connect(database.url);
  atEnd(() => client.end());
  await client.query(EFFECTS);
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-faults-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const bundle = join(folder, 'bundle.json');
  const deploy = async (deployed: MigrationSet) => writeFile(bundle, await compileIn(folder, deployed));
  await deploy(set);
  const table = lease === 'dynamodb' ? await startDynalite() : undefined;
  if (table) atEnd(table.close);
  const link = table && (await startLeaseLink(table.endpoint));
  if (link) atEnd(link.close);

  const start = ({ program, args, fault, url = database.url }: Up & Pick<Start, 'program' | 'args'>) => {
    const { inProcess, atTable } = struckAt(lease, fault);
    const endpoint = link?.endpointFor(() => started, atTable);
    const env = { DATABASE_URL: url, ...(endpoint === undefined ? {} : awsEnvironment(endpoint)) };
    const started = new FaultyProcess({ program, args, env, edits: [...edits, ...pace], fault: inProcess });
    atEnd(() => started.kill());
    return started;
  };
  const target = database.name;
  const tableName = table?.tableName ?? '';
  const where = table ? ['--lease', `dynamodb://${tableName}`] : [];
  const up = ['up', '--json', '--bundle', bundle, '--lease-duration', `${LEASE_MS}ms`, ...where];
  return {
    url: database.url,
    lease,
    set,
    edits,
    target,
    leases: table && dynamoLeaseStore({ tableName, client: table.client }),
    deploy,
    query: async (sql) => (await client.query(sql)).rows,
    up: ({ args = [], ...options } = {}) =>
      start({ ...options, program: 'lockstep', args: [...up, ...args] }),
    attempt: (execution, durationMs, fault) => {
      const given: AttemptArguments = { tableName, target, execution, bundle, durationMs };
      return start({ program: 'attempt', args: [JSON.stringify(given)], ...(fault && { fault }) });
    },
  };
}

interface Struck {
  readonly inProcess: Start['fault'];
  readonly atTable?: LeaseFault;
}

function struckAt(lease: LeaseKind, fault: Up['fault']): Struck {
  if (!fault) return { inProcess: undefined };
  if (isAtTable(fault)) return { inProcess: undefined, atTable: fault };
  const { kind } = fault;
  const place = placeWith(lease, fault.place);
  if (!place) throw new Error(`With the lease in ${lease} there is no such place: ${fault.place}`);
  return 'put' in place ? { inProcess: undefined, atTable: { place, kind } } : { inProcess: { place, kind } };
}

const isAtTable = (fault: Fault | LeaseFault): fault is LeaseFault => typeof fault.place !== 'string';

/** As a bundle: with it, the processes need not load the parser. */
async function compileIn(folder: string, { files }: MigrationSet): Promise<string> {
  const migrations = await mkdtemp(join(folder, 'migrations-'));
  for (const [name, sql] of Object.entries(files)) await writeFile(join(migrations, name), sql);
  return JSON.stringify(await compileBundle(await openSource({ migrations })));
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
