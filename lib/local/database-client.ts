/** Plain connections, for what an app or an onlooker asks the database; migrations have sessions of their own. */
import pg from 'pg';
import { clientConfig, type DatabaseConfig } from '../adapters/postgres/index.ts';

export async function openClient(database: DatabaseConfig, applicationName: string): Promise<pg.Client> {
  const client = new pg.Client({ ...(await clientConfig(database)), application_name: applicationName });
  // A connection that breaks while idle says so here; whoever uses it next gets an error anyway.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** One statement on a connection of its own. */
export async function queryRows<Row>(
  database: DatabaseConfig,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = await openClient(database, 'lockstep dev');
  try {
    return (await client.query(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
