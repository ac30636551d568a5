/**
 * The least that a program can do that applies 1,000 migrations, each with its ledger row in one transaction and
 * one round trip: no lock, no fence, no checks. Arguments: folder, URL.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const [folder = '', url = ''] = process.argv.slice(2);
const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query('CREATE TABLE bare_ledger (name text PRIMARY KEY, sha256 text)');
for (const file of readdirSync(folder).sort()) {
  const sql = readFileSync(join(folder, file), 'utf8');
  const sha256 = createHash('sha256').update(sql).digest('hex');
  await client.query(`BEGIN; INSERT INTO bare_ledger VALUES ('${file}', '${sha256}'); ${sql}; COMMIT`);
}
await client.end();
