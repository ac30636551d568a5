/**
 * Many at once, and for long: `npm run test:load` reports what that takes in connections, memory and requests to the lease
 * store, and fails when one of them has no bound.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openMigrationDirectory } from '../../lib/adapters/filesystem/index.ts';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { acquireWithin, keepRenewed } from '../../lib/core/lease/index.ts';
import { readPlan, waitUntilApplied } from '../../lib/engine/index.ts';
import { peakConnections } from '../bench/frame/watch.ts';
import { type Files, siteForTest, sourceOf } from '../engine/site.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const LIMIT_MS = 300_000;
const MB = 1_048_576;
const name = (n: number): string => String(n).padStart(5, '0');

function report(what: string, figures: Readonly<Record<string, number>>): void {
  const words = Object.entries(figures).map(([key, value]) => `${key} ${Math.round(value * 10) / 10}`);
  console.info(`${what}: ${words.join(', ')}`);
}

async function measured<T>(work: () => Promise<T>) {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const startedMs = performance.now();
  const result = await work();
  return { result, ms: performance.now() - startedMs, mb: (process.memoryUsage().rss - before) / MB };
}

describe('many instances', () => {
  const files: Files = {
    '00001_table.sql': 'CREATE TABLE effects (n int);',
    ...Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [
        `${name(i + 2)}_effect.sql`,
        `INSERT INTO effects VALUES (${i}); SELECT pg_sleep(0.1);`,
      ]),
    ),
  };

  it('200 that migrate when they start: one run, for all', async () => {
    const site = await siteForTest();
    const all = Array.from({ length: 200 }, () => () => site.up(files));
    const { result, ms, mb } = await measured(() =>
      peakConnections(site.url, () => Promise.all(all.map((up) => up()))),
    );
    const ran = result.result.filter((each) => each.ran);
    report('200 instances', { seconds: ms / 1000, connections: result.peak, MB: mb });
    expect(ran.map(({ applied }) => applied.length)).toEqual([11]);
    expect(await site.rows('SELECT count(*)::int AS n FROM effects')).toEqual([{ n: 10 }]);
    expect(result.peak).toBeLessThanOrEqual(203);
  }, 300_000);

  it('1,000 that only wait: no more connections than the server has, and all are told', async () => {
    const site = await siteForTest();
    const source = sourceOf(files);
    const context = site.context();
    const wait = () => waitUntilApplied({ ...context, source, timeoutMs: 240_000 });
    const { result, ms, mb } = await measured(() =>
      peakConnections(site.url, async () => {
        const waiting = Array.from({ length: 1_000 }, wait);
        await site.up(files);
        return Promise.all(waiting);
      }),
    );
    report('1,000 waits', { seconds: ms / 1000, connections: result.peak, MB: mb });
    expect(new Set(result.result.map(({ plan }) => plan.outcome))).toEqual(new Set(['nothing-pending']));
  }, 300_000);
});

it(
  'a ledger of 10,000 revisions: planned in one look',
  async () => {
    const site = await siteForTest();
    const files: Files = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`${name(i + 1)}_step.sql`, 'SELECT 1;']),
    );
    const source = sourceOf(files);
    const up = await measured(() => site.up(files));
    report('10,000 revisions applied', { seconds: up.ms / 1000, MB: up.mb });
    const { result, ms, mb } = await measured(() => readPlan({ ...site.context(), source }));
    report('10,000 revisions planned', { ms, MB: mb });
    expect(result.plan).toMatchObject({ outcome: 'nothing-pending', appliedCount: 10_000 });
    expect(mb).toBeLessThan(200);
  },
  LIMIT_MS,
);

it('a directory of 10,000 files: read in seconds', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-many-'));
  try {
    for (let n = 1; n <= 10_000; n += 1) writeFileSync(join(directory, `${n}_step.sql`), `SELECT ${n};`);
    const { result, ms, mb } = await measured(() => openMigrationDirectory(directory, loadParser));
    report('10,000 files read', { ms, MB: mb });
    expect(result.catalog.length).toBe(10_000);
    expect(result.catalog.at(-1)?.revision).toBe('10000');
    expect(ms).toBeLessThan(15_000);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it('a lease that is held for a day: renewals go on, and are what the duration says', async () => {
  const clock = new VirtualClock();
  let requests = 0;
  const count = async () => {
    requests += 1;
  };
  const store = new MemoryLeaseStore(new Map(), { before: count });
  const durationMs = 60_000;
  const acquired = await acquireWithin({ store, target: 't', holder: 'h', durationMs, budgetMs: 0, clock });
  if (acquired.kind !== 'acquired') throw new Error('it is free');
  const lease = await store.mint(acquired.lease);
  const lost: unknown[] = [];
  const onLost = (error: unknown) => lost.push(error);
  const keeping = keepRenewed({ store, lease, clock, onLost, mintStartedAtMs: clock.nowMs() });
  const day = clock.sleep(24 * 3_600_000).then(() => keeping.stop());
  const { ms, mb } = await measured(() => clock.run());
  await day;
  report('24 h of renewals each 20 s', { requests, ms, MB: mb });
  expect(lost).toEqual([]);
  // A renewal reads, and writes on condition that nothing has changed.
  const expected = (2 * 24 * 3_600) / 20;
  expect(requests).toBeGreaterThan(expected - 10);
  expect(requests).toBeLessThan(expected + 10);
});
