import { onTestFinished } from 'vitest';
import { createDatabase, queryRows, type TestDatabase } from '../support/postgres.ts';

/** A database that is dropped with the test. */
export async function databaseForTest(): Promise<TestDatabase> {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  return database;
}

const OBJECTS = `
  SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, a.attname AS part,
         pg_catalog.format_type(a.atttypid, a.atttypmod) AS type
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  UNION ALL
  SELECT n.nspname, p.proname, 'function', pg_catalog.pg_get_functiondef(p.oid), NULL
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  UNION ALL
  SELECT nspname, NULL, 'schema', NULL, NULL FROM pg_namespace WHERE nspname !~ '^pg_'
  ORDER BY 1, 2, 3, 4`;

/** Every schema, relation, column and function of the database, and every row of every table. */
export async function contentOf(url: string): Promise<unknown> {
  const objects = await queryRows<{ schema: string; name: string; kind: string }>(url, OBJECTS);
  const tables = new Set(objects.filter((o) => o.kind === 'r').map((o) => `"${o.schema}"."${o.name}"`));
  const rows: Record<string, unknown> = {};
  for (const table of tables) rows[table] = await queryRows(url, `SELECT t::text FROM ${table} t ORDER BY 1`);
  return { objects, rows };
}
