/** The local runtime as a whole: a folder, a database, the cloud around it; and its end, which leaves nothing. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseConfig } from '../adapters/postgres/index.ts';
import { queryRows } from './database-client.ts';
import type { Disposers } from './disposers.ts';
import { type LocalCloud, startLocalCloud } from './local-cloud.ts';
import { SUPERUSER } from './postgres-process.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';
import { createRunDirectory, DATA_FOLDER } from './run-directory.ts';
import type { StackOptions } from './synthesize.ts';

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
  /** Aborts when it is to end: then nobody waits for its servers any more. */
  readonly signal: AbortSignal | undefined;
}

export interface RuntimeOptions {
  readonly migrations: string;
  /** Default: a new database on an embedded server. */
  readonly database?: DatabaseConfig | undefined;
  /** Looked at between two steps of the start. */
  readonly signal?: AbortSignal | undefined;
}

/** An embedded server, and a folder that lasts as long. */
export interface LocalServer {
  readonly directory: string;
  readonly server: PostgresServer;
  readonly reaped: readonly number[];
}

export interface SharedRuntimeOptions extends StackOptions {
  /** Of its folder, its database and the role that owns that. */
  readonly name: string;
  readonly migrations: string;
  readonly takesRestorePoints: boolean;
  readonly signal: AbortSignal;
}

const DATABASE = 'app';

/** Everything ends with `disposers.run()`, also what was started before this threw. */
export async function startLocalRuntime(
  options: RuntimeOptions,
  disposers: Disposers,
): Promise<LocalRuntime> {
  const { directory, server, reaped } = options.database
    ? { ...(await openDirectory(disposers)), server: undefined }
    : await startLocalServer(disposers);
  options.signal?.throwIfAborted();
  const database = options.database ?? (await createAppDatabase(server as PostgresServer, DATABASE));
  const { migrations, signal } = options;
  const cloud = await startLocalCloud({ database, server, migrations, directory, signal }, disposers);
  options.signal?.throwIfAborted();
  return { directory, database, server, cloud, reaped, disposers, signal };
}

export async function startLocalServer(disposers: Disposers): Promise<LocalServer> {
  const { directory, reaped } = await openDirectory(disposers);
  const dataDirectory = join(directory, DATA_FOLDER);
  const server = await startPostgresServer({ dataDirectory });
  disposers.add(server.stop);
  return { directory, server, reaped };
}

/** A runtime of its own on a server that others use, too: a new database of this name, a folder, a cloud. */
export async function startRuntimeOn(
  { server, reaped, ...shared }: LocalServer,
  { name, migrations, takesRestorePoints, ...stack }: SharedRuntimeOptions,
  disposers: Disposers,
): Promise<LocalRuntime> {
  const directory = join(shared.directory, name);
  await mkdir(directory);
  const database = await createAppDatabase(server, name);
  const options = { database, server: takesRestorePoints ? server : undefined, migrations, directory };
  const cloud = await startLocalCloud({ ...options, ...stack }, disposers);
  return { directory, database, server, cloud, reaped, disposers, signal: stack.signal };
}

async function openDirectory(disposers: Disposers): Promise<Omit<LocalServer, 'server'>> {
  const { path, reaped, remove } = await createRunDirectory();
  disposers.add(remove);
  return { directory: path, reaped };
}

/** Owned by a role that is no superuser, as an app's database should be; both have this name. */
async function createAppDatabase({ port, password }: PostgresServer, name: string): Promise<DatabaseConfig> {
  const server = { host: '127.0.0.1', port, tls: 'disable' } as const;
  const superuser = { ...server, user: SUPERUSER, password, database: 'postgres' };
  const owner = { user: name, password: randomBytes(16).toString('hex') };
  await queryRows(superuser, `CREATE ROLE "${name}" LOGIN PASSWORD '${owner.password}'`);
  await queryRows(superuser, `CREATE DATABASE "${name}" OWNER "${name}"`);
  return { ...server, ...owner, database: name };
}
