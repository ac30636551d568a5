/**
 * The least that a program can do that finds migrations applied: read and hash the files, connect, read the ledger
 * of apply.mjs, compare. No lock, no error handling. Arguments: folder, URL.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const [folder = '', url = ''] = process.argv.slice(2);
const sums = readdirSync(folder).map((file) =>
  createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex'),
);
const client = new pg.Client({ connectionString: url });
await client.connect();
const { rows } = await client.query('SELECT name, sha256 FROM bare_ledger');
const known = new Set(rows.map((row) => row.sha256));
await client.end();
const pending = sums.filter((sum) => !known.has(sum)).length;
console.log(`${pending} pending`);
if (pending > 0) process.exitCode = 1;
