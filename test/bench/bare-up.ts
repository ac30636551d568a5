/**
 * The least that a program can do that finds 1,000 migrations applied: read and hash the files, connect, read the
 * ledger, compare. No lock, no error handling, no bundle. `lockstep up` is measured against it.
 * Arguments: folder, URL. Plain JavaScript in a .ts file, so that any Node runs it.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const [folder = '', url = ''] = process.argv.slice(2);
const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
const sums = files.map((file) =>
  createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex'),
);
const client = new pg.Client({ connectionString: url });
await client.connect();
const { rows } = await client.query('SELECT revision, sha256 FROM lockstep.entry');
const known = new Set(rows.map((row) => row.sha256));
await client.end();
const pending = sums.filter((sum) => !known.has(sum)).length;
console.log(`${pending} pending`);
