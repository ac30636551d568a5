import pg from 'pg';
import { migrate } from 'postgres-migrations';

export async function up(folder, url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await migrate({ client }, folder);
  } finally {
    await client.end();
  }
}
