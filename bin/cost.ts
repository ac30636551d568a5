/**
 * `npm run cost`: what runs of the workflow cost, counted from its definition. `npm run cost -- --write` puts the tables
 * into docs/cost.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { costTables, withTables } from '../lib/cost/index.ts';
import { synthesizeMachines } from '../lib/cost/synthesize.ts';

const document = join(import.meta.dirname, '..', 'docs', 'cost.md');
const directory = mkdtempSync(join(tmpdir(), 'lockstep-cost-'));
try {
  const tables = await costTables(synthesizeMachines(directory));
  if (process.argv.includes('--write')) {
    writeFileSync(document, withTables(readFileSync(document, 'utf8'), tables));
  }
  console.log(tables);
} finally {
  rmSync(directory, { recursive: true });
}
