/** Through a migration provider of its own, which takes SQL files as they are: faster than a module for each. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';

const readSql = (folder) =>
  readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]);

export async function up(folder, url) {
  const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });
  const files = readSql(folder);
  const provider = {
    getMigrations: async () =>
      Object.fromEntries(files.map(([file, text]) => [file, { up: (on) => sql.raw(text).execute(on) }])),
  };
  // All of them are in one transaction, or none.
  const disableTransactions = files.some(([, text]) => text.startsWith('-- no transaction'));
  try {
    const { error } = await new Migrator({ db, provider }).migrateToLatest({ disableTransactions });
    if (error) throw error;
  } finally {
    await db.destroy();
  }
}
