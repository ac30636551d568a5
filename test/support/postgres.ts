/** Databases for tests, on the server that global-setup.ts started. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly name: string;
  /** Superuser's URL. */
  readonly url: string;
  /** Ends every session in the database and removes it. */
  drop(): Promise<void>;
}

/** Runs one statement (or, without values, several) on a connection of its own and returns the rows. */
export async function queryRows<Row extends object = Record<string, unknown>>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'lockstep tests' });
  await client.connect();
  try {
    const result = await client.query(values.length > 0 ? { text: sql, values: [...values] } : sql);
    return (Array.isArray(result) ? result.at(-1) : result).rows;
  } finally {
    await client.end();
  }
}

/** Without fsync by far the cheapest way; what it does is all that PostgreSQL 14 can. */
const STRATEGY = inject('postgresName').startsWith('PostgreSQL 14') ? '' : 'STRATEGY file_copy';

/** A new, empty database that nobody else uses. */
export async function createDatabase(): Promise<TestDatabase> {
  const maintenance = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await queryRows(maintenance, `CREATE DATABASE ${name} ${STRATEGY}`);
  const url = new URL(maintenance);
  url.pathname = `/${name}`;
  const drop = async () => {
    await queryRows(maintenance, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return { name, url: url.href, drop };
}
