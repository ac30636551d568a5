/**
 * A copy of a database whose server runs on this host: an online base backup, with a server of the same programs and
 * settings on it. It is there for as long as it is worked with, and removed however that ends; what a killed process left
 * of it is removed by the next one that starts a server here (run-directory.ts).
 *
 * Invariants: the copy reaches nobody: it archives nothing, replicates nothing, runs no subscription, and waits for no
 * standby. It listens on loopback, and has the logins and the rules for them that the original has.
 *
 * Who is authoritative: the original's server, for where its data and its programs are. What can fail: LS740.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { clientConfig, type DatabaseConfig, isLocal } from '../adapters/postgres/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import { takeBaseBackup, writeOwned } from './base-backup.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';

export interface Original {
  readonly database: DatabaseConfig;
  readonly signal?: AbortSignal | undefined;
}

/** Throws LS740, what `work` throws, and the signal's reason. */
export async function withBaseBackup<Result>(
  original: Original,
  work: (copy: DatabaseConfig) => Promise<Result>,
): Promise<Result> {
  const server = await startCopy(original);
  try {
    return await work({ ...original.database, host: '127.0.0.1', port: server.port, tls: 'disable' });
  } finally {
    await server.stop();
  }
}

/** Throws LS740, and the signal's reason. */
export async function startCopy({ database, signal }: Original): Promise<PostgresServer> {
  try {
    if (!isLocal(database.host)) throw new Error(`its server is on another host (${database.host})`);
    const login = await clientConfig(database);
    const source = await describe(login);
    await refuseOther(source);
    return await startPostgresServer({
      binaries: source.programs,
      fill: async (folder) => {
        await takeBaseBackup(login, source.data, folder, signal);
        await configure(source, folder);
        signal?.throwIfAborted();
      },
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw notMade(database, error as Error);
  }
}

interface Source {
  readonly data: string;
  readonly programs: string;
  readonly hba: string;
  readonly ident: string;
  readonly systemIdentifier: string;
  readonly tablespaces: number;
  /** As they are in the server's files and on its command line. */
  readonly settings: readonly { readonly name: string; readonly setting: string }[];
}

async function describe(login: pg.ClientConfig): Promise<Source> {
  const client = new pg.Client({ ...login, application_name: 'lockstep base backup' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT pg_catalog.current_setting('data_directory') AS data, pg_catalog.current_setting('hba_file') AS hba,
         pg_catalog.current_setting('ident_file') AS ident,
         (SELECT c.setting FROM pg_catalog.pg_config() c WHERE c.name = 'BINDIR') AS programs,
         (SELECT c.system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system() c) AS "systemIdentifier",
         (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM pg_catalog.pg_tablespace t
           WHERE pg_catalog.pg_tablespace_location(t.oid) <> '') AS tablespaces,
         (SELECT pg_catalog.json_agg(s) FROM (SELECT name, setting FROM pg_catalog.pg_settings
           WHERE source IN ('configuration file', 'command line', 'environment variable')) s) AS settings`,
    );
    return rows[0];
  } finally {
    await client.end();
  }
}

/** A port of this host may lead into a container, whose folder this host has, too, with something else in it. */
async function refuseOther({ data, systemIdentifier, tablespaces }: Source): Promise<void> {
  const control = await readFile(join(data, 'global', 'pg_control'));
  if (control.readBigUInt64LE(0).toString() !== systemIdentifier)
    throw new Error(`${data} on this host is the data folder of another server`);
  if (tablespaces > 0) throw new Error('it has tablespaces of its own, which a copy would share');
}

/** What belongs to the original alone, or would have the copy reach others. */
const NOT_COPIED =
  /^(data_directory|config_file|hba_file|ident_file|external_pid_file|listen_addresses|port|unix_socket_.*|archive_.*|restore_command|recovery_.*|primary_.*|synchronous_standby_names|sync_replication_slots|ssl.*|krb_.*|bonjour.*|log_.*|logging_.*|syslog_.*|event_source|huge_pages)$/;

const OF_A_COPY = [
  'archive_mode = off',
  'max_logical_replication_workers = 0',
  'cron.launch_active_jobs = off',
];

async function configure({ settings, hba, ident }: Source, folder: string): Promise<void> {
  const copied = settings
    .filter(({ name }) => !NOT_COPIED.test(name))
    .map(({ name, setting }) => `${name} = '${setting.replaceAll("'", "''")}'`);
  await rm(join(folder, 'postgresql.auto.conf'), { force: true });
  await writeOwned(join(folder, 'postgresql.conf'), `${[...copied, ...OF_A_COPY].join('\n')}\n`);
  await writeOwned(join(folder, 'pg_hba.conf'), await readFile(hba, 'utf8'));
  await writeOwned(join(folder, 'pg_ident.conf'), await readFile(ident, 'utf8'));
}

const notMade = ({ database }: DatabaseConfig, cause: Error): LockstepError =>
  new LockstepError('LS740', {
    what: `No base backup of the database ${database} could be made: ${cause.message.replace(/\.$/, '')}.`,
    state: NOTHING_CHANGED,
    remedy:
      "It needs a superuser's login and the right to read the server's data folder on this host; else give a copy with --on.",
    cause,
  });
