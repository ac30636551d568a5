/** One embedded server for the whole bench, and databases for each measurement. */
import pg from 'pg';
import type { ServerSettings } from '../../../lib/local/postgres-process.ts';
import { startPostgresServer } from '../../../lib/local/postgres-server.ts';

export interface BenchServer {
  readonly version: string;
  readonly pid: number;
  /** A new one, with what came before written to disk; as a copy of another one, if that is named. */
  newDatabase(template?: string): Promise<BenchDatabase>;
  /** All that there are; before that, only what takes much space. */
  dropDatabases(): Promise<void>;
  /** Removes the databases, too. */
  stop(): Promise<void>;
}

export interface BenchDatabase {
  readonly name: string;
  /** Loopback, without TLS: some drivers would ask for it. */
  readonly url: string;
  /** Rows of the last statement. */
  query<Row extends object>(sql: string): Promise<Row[]>;
  drop(): Promise<void>;
}

/** With the server's own default settings but for these. */
export async function startBenchServer(settings: ServerSettings): Promise<BenchServer> {
  const server = await startPostgresServer({ settings });
  const url = (name: string) => `${server.url(name)}?sslmode=disable`;
  const query = <Row extends object>(sql: string) => queryRows<Row>(url('postgres'), sql);
  const names = new Set<string>();
  let databases = 0;
  const drop = async (name: string) => {
    await query(`DROP DATABASE ${name} WITH (FORCE)`);
    names.delete(name);
  };
  // None is dropped while a case measures times: file systems are slow to make files when many were deleted just before.
  const newDatabase = async (template = 'template1'): Promise<BenchDatabase> => {
    databases += 1;
    const name = `bench_${databases}`;
    for (const sql of [`CREATE DATABASE ${name} TEMPLATE ${template}`, 'CHECKPOINT']) await query(sql);
    names.add(name);
    return { name, url: url(name), query: (sql) => queryRows(url(name), sql), drop: () => drop(name) };
  };
  const dropDatabases = async () => {
    for (const name of names) await drop(name);
    await query('CHECKPOINT');
  };
  const [row] = await query<{ server_version: string }>('SHOW server_version');
  return { version: row!.server_version, pid: server.pid, newDatabase, dropDatabases, stop: server.stop };
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
