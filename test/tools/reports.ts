/**
 * Reports as people get them, out of a real ledger, and one of values that mean harm. `applied`: several steps, locks,
 * hazards. `failed`: the migration after some that went well. `hostile`: markup and long words wherever a value can stand.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { page, type RunEvent } from '../../lib/core/report/index.ts';
import { createDatabase } from '../support/postgres.ts';

export const REPORTS = ['applied', 'failed', 'hostile'] as const;

const COMMAND = fileURLToPath(new URL('../../bin/lockstep.ts', import.meta.url));

const BEFORE = {
  '0041_create_orders.sql': `CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, old_note text);
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer bigint NOT NULL REFERENCES customers (id),
  total numeric(12, 2) NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 2000) n;
INSERT INTO orders (customer, total) SELECT 1 + n % 2000, n FROM generate_series(1, 400000) n;
`,
};
const RELEASE = {
  '0042_add_email.sql': 'ALTER TABLE customers ADD COLUMN email text;\n',
  '0043_index_orders_by_customer.sql':
    'CREATE INDEX CONCURRENTLY orders_by_customer ON orders (customer, placed_at);\n',
  '0044_widen_total.sql': 'ALTER TABLE orders ALTER COLUMN total TYPE numeric(18, 4);\n',
  '0045_drop_note.contract.sql': 'ALTER TABLE customers DROP COLUMN old_note;\n',
  'R_totals.sql':
    'CREATE OR REPLACE VIEW totals AS SELECT customer, sum(total) AS total FROM orders GROUP BY customer;\n',
};
const MISTAKEN = {
  '0046_create_returns.sql': 'CREATE TABLE returns ("order" bigint REFERENCES orders (id));\n',
  '0047_rename_name.sql': 'ALTER TABLE customers RENAME COLUMN nmae TO full_name;\n',
};

export async function writeReports(place: string): Promise<void> {
  const database = await createDatabase();
  const folder = join(place, 'migrations');
  await mkdir(folder);
  const run = async (...args: string[]) => {
    const options = ['--migrations', folder, '--target', 'orders', '--json'];
    const env = { PATH: process.env.PATH, DATABASE_URL: database.url };
    return promisify(execFile)(process.execPath, [COMMAND, ...args, ...options], { env });
  };
  const add = async (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  };
  const report = async (name: string) => {
    const { runs } = JSON.parse((await run('runs')).stdout) as { runs: { runId: string }[] };
    await run('runs', 'report', runs[0]!.runId, '--out', join(place, `${name}.html`));
  };
  try {
    await add(BEFORE);
    await run('up');
    await add(RELEASE);
    await run('up');
    await report('applied');
    await add(MISTAKEN);
    await run('up').catch(() => undefined);
    await report('failed');
  } finally {
    await database.drop();
  }
  await writeFile(join(place, 'hostile.html'), hostile());
}

const EVIL =
  '</code></pre></p></title></style><script>globalThis.evil = 1</script><img src="x" onerror="globalThis.evil = 2">';
const LONG = `${'very_long_word_'.repeat(12)}\u202e`;

/** More migrations than are shown unfolded. */
function hostile(): string {
  const names = Array.from({ length: 8 }, (_, i) => `000${i}_${i % 2 === 0 ? EVIL : LONG}`);
  const lock = { relation: EVIL, mode: LONG, heldMs: 90_000, waitedMs: 30_000, tries: 12 };
  const hazard = { rule: EVIL, class: 'destructive', line: 1, message: EVIL, advice: LONG } as const;
  const event = (migration: string, i: number): RunEvent => ({
    at: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
    kind: 'applied',
    migration,
    step: null,
    state: null,
    direction: null,
    keys: null,
    durationMs: 60_000,
    locks: [lock],
  });
  return page({
    target: `${EVIL}${LONG}`,
    run: {
      runId: EVIL,
      holder: LONG,
      token: 1,
      bundleDigest: LONG,
      beganAtLsn: '0/16B3748',
      restorePoint: EVIL,
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:08:00.000Z',
      verdict: 'failed',
      error: `LS601: ${EVIL}${LONG}`,
      forced: LONG,
      command: EVIL,
      histories: null,
      entryCount: 8,
    },
    events: names.map(event),
    sql: new Map(names.map((name) => [name, `${EVIL}\n${LONG.repeat(5)}\n`])),
    hazards: new Map(names.map((name) => [name, [hazard]])),
  });
}
