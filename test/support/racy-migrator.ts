/**
 * A migrator that does what Alembic does, in one transaction: is the table of versions there, which version is in it, then
 * the migration, then the row; no lock. A migration of it takes until another one of them is at the same place, at most
 * PATIENCE_MS: those that run at once meet there for sure.
 *
 *   node racy-migrator.ts [file]     the file is there as long as it runs; it fails when another one's is
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const PATIENCE_MS = 3_000;
const AT_WORK = `SELECT pg_advisory_xact_lock_shared(4711);
  SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

async function migrate(client: pg.Client): Promise<void> {
  await client.query('BEGIN');
  const { rows } = await client.query(`SELECT to_regclass('alembic_version') IS NOT NULL AS there`);
  if (rows[0].there) return void (await client.query('COMMIT'));
  for (const startMs = performance.now(); performance.now() - startMs < PATIENCE_MS; await sleep(20)) {
    const results = (await client.query(AT_WORK)) as unknown as pg.QueryResult[];
    if (results[1]?.rows[0].n > 1) break;
  }
  await client.query(`CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    CREATE TABLE account (id int); INSERT INTO alembic_version VALUES ('0001'); COMMIT`);
}

const [file] = process.argv.slice(2);
if (file) closeSync(openSync(file, 'wx'));
const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
try {
  await migrate(client);
} finally {
  await client.end();
  if (file) rmSync(file);
}
