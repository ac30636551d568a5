/** The local runtime as a whole: a folder, a database, the cloud around it; and its end, which leaves nothing. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseConfig } from '../adapters/postgres/index.ts';
import { queryRows } from './database-client.ts';
import type { Disposers } from './disposers.ts';
import { type LocalCloud, startLocalCloud } from './local-cloud.ts';
import { SUPERUSER } from './postgres-process.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';
import { createRunDirectory, DATA_FOLDER } from './run-directory.ts';

export interface LocalRuntime {
  /** For files that last as long as the runtime. */
  readonly directory: string;
  readonly database: DatabaseConfig;
  /** Undefined when the database is the user's own. */
  readonly server: PostgresServer | undefined;
  readonly cloud: LocalCloud;
  /** Servers of killed runs that were found running and stopped. */
  readonly reaped: readonly number[];
  /** What is added here is stopped before the servers are. */
  readonly disposers: Disposers;
}

export interface RuntimeOptions {
  readonly migrations: string;
  /** Default: a new database on an embedded server. */
  readonly database?: DatabaseConfig | undefined;
  /** Looked at between two steps of the start. */
  readonly signal?: AbortSignal | undefined;
}

const DATABASE = 'app';
/** What the base backup needs of the write-ahead log must not be recycled while it is copied. */
const SETTINGS = { wal_keep_size: '256MB' };

/** Everything ends with `disposers.run()`, also what was started before this threw. */
export async function startLocalRuntime(
  options: RuntimeOptions,
  disposers: Disposers,
): Promise<LocalRuntime> {
  const run = await createRunDirectory();
  disposers.add(run.remove);
  options.signal?.throwIfAborted();
  let server: PostgresServer | undefined;
  if (!options.database) {
    server = await startPostgresServer({ dataDirectory: join(run.path, DATA_FOLDER), settings: SETTINGS });
    disposers.add(server.stop);
  }
  options.signal?.throwIfAborted();
  const database = options.database ?? (await createAppDatabase(server as PostgresServer));
  const { migrations } = options;
  const cloud = await startLocalCloud({ database, server, migrations, directory: run.path }, disposers);
  options.signal?.throwIfAborted();
  return { directory: run.path, database, server, cloud, reaped: run.reaped, disposers };
}

/** Owned by a role that is no superuser, as an app's database should be. */
async function createAppDatabase({ port, password }: PostgresServer): Promise<DatabaseConfig> {
  const server = { host: '127.0.0.1', port, tls: 'disable' } as const;
  const superuser = { ...server, user: SUPERUSER, password, database: 'postgres' };
  const owner = { user: DATABASE, password: randomBytes(16).toString('hex') };
  await queryRows(superuser, `CREATE ROLE ${owner.user} LOGIN PASSWORD '${owner.password}'`);
  await queryRows(superuser, `CREATE DATABASE ${DATABASE} OWNER ${owner.user}`);
  return { ...server, ...owner, database: DATABASE };
}
