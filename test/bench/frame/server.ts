/** One embedded server for all of the bench, and databases for each measurement. */
import pg from 'pg';
import { type PostgresServer, startPostgresServer } from '../../../lib/local/postgres-server.ts';

/** Two hundred instances, some of which hold a pool. */
const MAX_CONNECTIONS = 500;

export interface BenchServer {
  readonly version: string;
  readonly pid: number;
  /** Loopback, without TLS: some drivers would ask for it. */
  url(database: string): string;
  /** Rows of the last statement. */
  query<Row extends object>(database: string, sql: string): Promise<Row[]>;
  /** A new one in place of any that has this name, with what came before written to disk. */
  newDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startBenchServer(): Promise<BenchServer> {
  const server = await startPostgresServer({ settings: { max_connections: MAX_CONNECTIONS } });
  const url = (database: string) => `${server.url(database)}?sslmode=disable`;
  const query = <Row extends object>(database: string, sql: string) => queryRows<Row>(url(database), sql);
  const [row] = await query<{ server_version: string }>('postgres', 'SHOW server_version');
  return {
    version: row!.server_version,
    pid: server.pid,
    url,
    query,
    newDatabase: (name) => newDatabase(url, name),
    stop: server.stop,
  };
}

export async function queryRows<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'bench' });
  await client.connect();
  try {
    const result = await client.query(sql);
    return (Array.isArray(result) ? result.at(-1) : result).rows;
  } finally {
    await client.end();
  }
}

async function newDatabase(url: PostgresServer['url'], name: string): Promise<string> {
  for (const sql of [
    `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`,
    `CREATE DATABASE "${name}"`,
    'CHECKPOINT',
  ]) {
    await queryRows(url('postgres'), sql);
  }
  return url(name);
}
