/**
 * G: every row of a table that is in use gets a new value: as a back-fill in batches, and as one UPDATE, which no tool
 * beside Lockstep has anything against. How fast is it, and what does the app notice meanwhile?
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import { type Latencies, underLoad } from '../frame/load.ts';
import { run } from '../frame/process.ts';
import { atLeast, atMost, type CaseResult } from '../frame/result.ts';
import { median } from '../frame/rounds.ts';
import type { BenchDatabase } from '../frame/server.ts';
import { ABSENT, seconds, table, times, whole } from '../frame/table.ts';

const UPDATE = 'UPDATE accounts SET score = 1 + id % 100';
const PER_SECOND = 100;
const QUIET_MS = 5_000;
/** In one round the slowest hundredth is some seven operations. */
const MORE_ROUNDS = 2;

interface Measured extends Latencies {
  readonly durationMs: number;
}

interface Way {
  readonly name: string;
  fill(database: BenchDatabase): Promise<unknown>;
  /** Every row, when it is done. */
  readonly fillsAll: boolean;
}

export async function backfill(bench: Bench): Promise<CaseResult> {
  const { server, quick, rounds, log } = bench;
  const rows = quick ? 50_000 : 2_000_000;
  const template = await server.newDatabase();
  await template.query(`CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL, score bigint);
    INSERT INTO accounts SELECT n, 0, 0 FROM generate_series(1, ${rows}) n`);
  await template.query('VACUUM ANALYZE accounts');
  const ways = [nothing(quick ? 1_000 : QUIET_MS), inBatches(bench), AT_ONCE];
  const measured = ways.map((): Measured[] => []);
  for (let round = 1; round <= rounds * MORE_ROUNDS; round += 1) {
    for (const [index, way] of ways.entries()) {
      log(`G: ${way.name}, round ${round}`);
      measured[index]!.push(await measure(await server.newDatabase(template.name), rows, way));
    }
  }
  const [quiet, batches, atOnce] = measured.map(medianOf);
  return report(rows, { quiet: quiet!, batches: batches!, atOnce: atOnce! });
}

async function measure(database: BenchDatabase, rows: number, { fill, fillsAll }: Way): Promise<Measured> {
  const load = { url: database.url, rows, perSecond: PER_SECOND };
  const { result: durationMs, latencies } = await underLoad(load, async () => {
    const startedMs = performance.now();
    await fill(database);
    return performance.now() - startedMs;
  });
  const [left] = await database.query<{ n: string }>('SELECT count(*) AS n FROM accounts WHERE score = 0');
  if (fillsAll && left!.n !== '0') throw new Error(`${left!.n} rows were not filled`);
  await database.drop();
  return { durationMs, ...latencies };
}

const nothing = (forMs: number): Way => ({ name: 'nothing', fill: () => sleep(forMs), fillsAll: false });

const AT_ONCE: Way = { name: 'one UPDATE', fill: ({ query }) => query(UPDATE), fillsAll: true };

function inBatches({ dist, scratch }: Bench): Way {
  const tool = lockstep(dist);
  const folder = join(scratch, 'backfill');
  mkdirSync(folder);
  writeFileSync(join(folder, '0001_fill.backfill.sql'), `${UPDATE} WHERE lockstep.batch(id);\n`);
  return { name: 'lockstep, in batches', fill: ({ url }) => run(tool.up(folder, url)), fillsAll: true };
}

const medianOf = (measured: readonly Measured[]): Measured => ({
  durationMs: median(measured.map((m) => m.durationMs)),
  p50Ms: median(measured.map((m) => m.p50Ms)),
  p99Ms: median(measured.map((m) => m.p99Ms)),
  worstMs: median(measured.map((m) => m.worstMs)),
});

interface Found {
  readonly quiet: Measured;
  readonly batches: Measured;
  readonly atOnce: Measured;
}

function report(rows: number, { quiet, batches, atOnce }: Found): CaseResult {
  const row = (name: string, m: Measured, fills: boolean): string[] => [
    name,
    fills ? percent(atOnce.durationMs / m.durationMs) : ABSENT,
    times(m.p99Ms / quiet.p99Ms),
    fills ? seconds(m.durationMs) : ABSENT,
    fills ? whole(rows / m.durationMs) : ABSENT,
    ...[m.p50Ms, m.p99Ms, m.worstMs].map((ms) => ms.toFixed(1)),
  ];
  const header = [`${rows} rows`, 'rate', 'p99 × quiet', 's', 'rows/ms', 'p50 ms', 'p99 ms', 'worst ms'];
  return {
    tables: table(header, [
      row('the load alone', quiet, false),
      row('lockstep, in batches', batches, true),
      row('one UPDATE', atOnce, true),
    ]),
    targets: [
      atLeast('G: rate of one UPDATE', 0.6, atOnce.durationMs / batches.durationMs, percent),
      atMost('G: p99 of the load beside it, of what it is alone', 2, batches.p99Ms / quiet.p99Ms, times),
    ],
  };
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
