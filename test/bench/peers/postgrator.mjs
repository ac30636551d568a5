import pg from 'pg';
import Postgrator from 'postgrator';

export async function up(folder, url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const postgrator = new Postgrator({
      migrationPattern: `${folder}/*`,
      driver: 'pg',
      database: client.database,
      execQuery: (query) => client.query(query),
    });
    await postgrator.migrate();
  } finally {
    await client.end();
  }
}
