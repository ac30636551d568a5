/** A session of somebody else that has begun something and does not go on. */
import pg from 'pg';

export async function startSession(url: string, sql: string): Promise<{ end(): Promise<void> }> {
  const client = new pg.Client({ connectionString: url, application_name: 'somebody else' });
  await client.connect();
  await client.query(sql);
  return { end: () => client.end() };
}
