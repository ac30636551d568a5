/**
 * The least that a program can do that applies migrations, each with its ledger row in one transaction: no lock, no
 * fence, no checks. Arguments: folder, URL, and whether a migration is `one` round trip or `four`.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const [folder = '', url = '', roundTrips = 'one'] = process.argv.slice(2);
const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query('CREATE TABLE bare_ledger (name text PRIMARY KEY, sha256 text)');
for (const file of readdirSync(folder).sort()) {
  const sql = readFileSync(join(folder, file), 'utf8');
  const sha256 = createHash('sha256').update(sql).digest('hex');
  const row = `INSERT INTO bare_ledger VALUES ('${file}', '${sha256}')`;
  if (roundTrips === 'one') await client.query(`BEGIN; ${row}; ${sql}; COMMIT`);
  else for (const statement of ['BEGIN', row, sql, 'COMMIT']) await client.query(statement);
}
await client.end();
