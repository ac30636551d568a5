/** An embedded server for a case, and databases for each measurement. */
import pg from 'pg';
import type { ServerSettings } from '../../../lib/local/postgres-process.ts';
import { startPostgresServer } from '../../../lib/local/postgres-server.ts';

export interface BenchServer {
  readonly version: string;
  readonly pid: number;
  /** A new one, with what came before written to disk. */
  newDatabase(): Promise<BenchDatabase>;
  /** Removes the databases, too. */
  stop(): Promise<void>;
}

export interface BenchDatabase {
  /** Loopback, without TLS: some drivers would ask for it. */
  readonly url: string;
  /** Rows of the last statement. */
  query<Row extends object>(sql: string): Promise<Row[]>;
}

/** With the server's own default settings but for these. */
export async function startBenchServer(settings: ServerSettings): Promise<BenchServer> {
  const server = await startPostgresServer({ settings });
  const url = (name: string) => `${server.url(name)}?sslmode=disable`;
  const database = (name: string): BenchDatabase => ({
    url: url(name),
    query: (sql) => queryRows(url(name), sql),
  });
  const { query } = database('postgres');
  let databases = 0;
  // None is dropped meanwhile: file systems are slow to make files when many were deleted just before.
  const newDatabase = async () => {
    databases += 1;
    const name = `bench_${databases}`;
    for (const sql of [`CREATE DATABASE ${name}`, 'CHECKPOINT']) await query(sql);
    return database(name);
  };
  const [row] = await query<{ server_version: string }>('SHOW server_version');
  return { version: row!.server_version, pid: server.pid, newDatabase, stop: server.stop };
}

async function queryRows<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'bench' });
  await client.connect();
  try {
    const result = await client.query(sql);
    return (Array.isArray(result) ? result.at(-1) : result).rows;
  } finally {
    await client.end();
  }
}
