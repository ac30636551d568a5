/** With SQL files as its documentation shows, and its history in a table, for which it has no storage itself. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { Umzug } from 'umzug';

const history = (client) => ({
  async executed() {
    await client.query('CREATE TABLE IF NOT EXISTS umzug_history (name text PRIMARY KEY)');
    const { rows } = await client.query('SELECT name FROM umzug_history ORDER BY name');
    return rows.map(({ name }) => name);
  },
  logMigration: ({ name }) => client.query('INSERT INTO umzug_history VALUES ($1)', [name]),
  unlogMigration: ({ name }) => client.query('DELETE FROM umzug_history WHERE name = $1', [name]),
});

export async function up(folder, url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const umzug = new Umzug({
      migrations: {
        glob: `${folder}/*.sql`,
        resolve: ({ name, path }) => ({ name, up: () => client.query(readFileSync(path, 'utf8')) }),
      },
      storage: history(client),
      logger: undefined,
    });
    await umzug.up();
  } finally {
    await client.end();
  }
}
