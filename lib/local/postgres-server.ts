/**
 * A real PostgreSQL server on 127.0.0.1: 18 from the npm registry, so that nothing else needs to be installed, or
 * another one whose programs are given.
 *
 * Invariants: it listens on loopback only and asks for a random password, so other users of the machine do not
 * get in; it is in a session of its own, so Ctrl-C on the terminal reaches its owner and not the server; when
 * its owner is killed it is stopped by the next run (see run-directory.ts).
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { locateBinaries } from './postgres-binaries.ts';
import {
  endPostgres,
  initializeCluster,
  type ServerSettings,
  SUPERUSER,
  startPostgres,
} from './postgres-process.ts';
import { createRunDirectory, DATA_FOLDER } from './run-directory.ts';
import { type ServerUser, serverUser } from './server-user.ts';

export interface PostgresServerOptions {
  /** An existing cluster or a folder to make one in, kept at the end; by default a temporary one. */
  readonly dataDirectory?: string;
  /** Of the superuser: needed for an existing cluster, random by default. */
  readonly password?: string;
  /** Server settings, such as `{ max_connections: 200 }`. */
  readonly settings?: ServerSettings;
  readonly port?: number;
  /** Makes the cluster in a temporary folder that is not there yet; by default a new one. */
  readonly fill?: ((dataDirectory: string) => Promise<void>) | undefined;
  /** Folder of another PostgreSQL's programs, such as /usr/lib/postgresql/15/bin. */
  readonly binaries?: string | undefined;
}

export interface PostgresServer {
  readonly port: number;
  readonly pid: number;
  readonly dataDirectory: string;
  readonly password: string;
  /** Servers of killed runs that were found running and stopped. */
  readonly reaped: readonly number[];
  url(database: string): string;
  /** Ends all sessions and the server, and removes a temporary data folder. May be called again. */
  stop(): Promise<void>;
}

/** Throws LS102 (no usable folder), LS104 (not installed), LS901 (the server does not start; with its log). */
export async function startPostgresServer(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const user = serverUser();
  const run = await createRunDirectory();
  const dataDirectory = options.dataDirectory ?? join(run.path, DATA_FOLDER);
  const password = options.password ?? randomBytes(16).toString('hex');
  try {
    const binaries = await locateBinaries(user, run.path, options.binaries);
    const initialize = () => initializeCluster(binaries.initdb, dataDirectory, password, user);
    if (!(await isCluster(dataDirectory))) await (options.fill ?? initialize)(dataDirectory);
    const { child, port } = await startOnFreePort(binaries.postgres, dataDirectory, options, user);
    // Only for an exit without `stop`; the folder then waits for the next run.
    const lastResort = () => void child.kill('SIGQUIT');
    process.once('exit', lastResort);
    let stopped: Promise<void> | undefined;
    const stop = () => {
      process.off('exit', lastResort);
      stopped ??= endPostgres(child).then(run.remove);
      return stopped;
    };
    return {
      port,
      pid: child.pid as number,
      dataDirectory,
      password,
      reaped: run.reaped,
      url: (database) =>
        `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
      stop,
    };
  } catch (error) {
    await run.remove();
    throw error;
  }
}

const isCluster = (directory: string): Promise<boolean> =>
  stat(join(directory, 'PG_VERSION')).then(
    () => true,
    () => false,
  );

async function startOnFreePort(
  postgres: string,
  directory: string,
  options: PostgresServerOptions,
  user: ServerUser,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return { port, child: await startPostgres(postgres, directory, port, options.settings ?? {}, user) };
    } catch (error) {
      // Between the look for a free port and its use, somebody else may take it.
      const taken = String(error).includes('could not bind');
      if (!taken || options.port !== undefined || attempt === 5) throw error;
    }
  }
}
