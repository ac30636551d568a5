/**
 * Lockstep beside the least that a bare script can do, in one run, as ratios: `npm run bench`. It measures the
 * built command (npm run build), each case in a process of its own, interleaved, and prints medians. Absolute times
 * are this machine's. Nothing here is a test: a slow machine fails nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startPostgresServer } from '../../lib/local/postgres-server.ts';

const MIGRATIONS = 1_000;
const ROUNDS = 15;
const APPLY_ROUNDS = 5;

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = join(root, 'dist/lockstep.js');
const bare = (name: string) => join(root, 'test/bench', name);

interface Case {
  readonly name: string;
  readonly args: readonly string[];
}

function timed({ name, args }: Case): number {
  const startedMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
  return performance.now() - startedMs;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function report(title: string, cases: readonly Case[], times: readonly number[][]): void {
  const [baseline = 1] = times.map(median);
  console.log(`\n${title}`);
  for (const [index, { name }] of cases.entries()) {
    const ms = median(times[index] ?? []);
    console.log(`  ${name.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms   × ${(ms / baseline).toFixed(2)}`);
  }
}

function compare(title: string, cases: readonly Case[], rounds: number): void {
  const times = cases.map((): number[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, kase] of cases.entries()) {
      const ms = timed(kase);
      // The first round fills caches.
      if (round > 0) times[index]?.push(ms);
    }
  }
  report(title, cases, times);
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
const server = await startPostgresServer({});
try {
  for (let n = 1; n <= MIGRATIONS; n += 1) {
    const name = String(n).padStart(4, '0');
    writeFileSync(
      join(folder, `${name}_table.sql`),
      `CREATE TABLE table_${name} (id bigint PRIMARY KEY, note text);\n`,
    );
  }
  const maintenance = server.url('postgres');
  const applying = [
    { name: 'bare, one round trip each', args: [bare('bare-apply.ts'), folder, server.url('bench')] },
    {
      name: 'lockstep up',
      args: [built, 'up', '--migrations', folder, '--database-url', server.url('bench')],
    },
  ];
  const times: number[][] = applying.map(() => []);
  for (let round = 0; round < APPLY_ROUNDS; round += 1) {
    for (const [index, kase] of applying.entries()) {
      await onServer(maintenance, 'DROP DATABASE IF EXISTS bench');
      await onServer(maintenance, 'CREATE DATABASE bench');
      times[index]?.push(timed(kase));
    }
  }
  report(`Apply ${MIGRATIONS} migrations`, applying, times);

  // The database is as the last round left it: everything is applied, by lockstep.
  const looking = [
    { name: 'bare: read, hash, connect, compare', args: [bare('bare-up.ts'), folder, server.url('bench')] },
    { name: 'Node alone', args: ['-e', '0'] },
    {
      name: 'lockstep up',
      args: [built, 'up', '--migrations', folder, '--database-url', server.url('bench')],
    },
    {
      name: 'lockstep up, one bundle file',
      args: [built, 'up', '--bundle', join(folder, 'b.json'), '--database-url', server.url('bench')],
    },
  ];
  timed({ name: 'bundle', args: [built, 'bundle', '--migrations', folder, '--out', join(folder, 'b.json')] });
  compare(`Nothing to do, ${MIGRATIONS} applied`, looking, ROUNDS);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}
