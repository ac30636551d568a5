import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { takeLock } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { type Observer, revert, waitUntilApplied } from '../../lib/engine/index.ts';
import { failureOf, LEFT_BEHIND, leaseOf, type Site, SLEEPING, siteForTest, sourceOf } from './site.ts';

const TABLES = `SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`;
const BUILDING = `SELECT FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting%'`;

/** Somebody's transaction with a snapshot, for which every concurrent index build waits. */
async function openTransaction(site: Site) {
  const session = await site.session('reader');
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_catalog.pg_class');
  return session;
}

/** How long it takes from the abort to the end of the work, and what that fails with. */
async function abortWhen(ready: () => Promise<unknown>, work: (signal: AbortSignal) => Promise<unknown>) {
  const controller = new AbortController();
  const failure = failureOf(work(controller.signal));
  await Promise.race([ready(), failure]);
  const startedMs = performance.now();
  controller.abort();
  const error = await failure;
  return { error, tookMs: performance.now() - startedMs };
}

describe('who gives up', () => {
  it('in a transaction has it rolled back, and everything is free', async () => {
    const site = await siteForTest();
    const files = {
      '0001_a.sql': 'CREATE TABLE a ();',
      '0002_b.sql': 'CREATE TABLE b (); SELECT pg_sleep(60);',
    };
    const { error, tookMs } = await abortWhen(
      () => site.until(SLEEPING),
      (signal) => site.up(files, { signal }),
    );
    expect(error).toMatchObject({ code: 'LS605', name: 'InterruptedError' });
    expect(tookMs).toBeLessThan(3_000);
    expect(await site.rows(TABLES)).toEqual([{ t: 'a' }]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
    expect(await site.rows('SELECT verdict, error FROM lockstep.run')).toEqual([
      { verdict: 'failed', error: 'LS605: Interrupted.' },
    ]);
  });

  it('in an index build leaves no INVALID index, nor a step that was begun', async () => {
    const site = await siteForTest();
    const build = {
      '0001_t.sql': 'CREATE TABLE t (id int);',
      '0002_i.sql': 'CREATE INDEX CONCURRENTLY i ON t (id);',
    };
    await site.up({ '0001_t.sql': build['0001_t.sql'] });
    const reader = await openTransaction(site);
    const { error, tookMs } = await abortWhen(
      () => site.until(BUILDING),
      (signal) => site.up(build, { signal }),
    );
    expect(error).toMatchObject({ code: 'LS605' });
    expect(tookMs).toBeLessThan(3_000);
    expect(await site.rows('SELECT FROM pg_index WHERE NOT indisvalid')).toEqual([]);
    expect(await site.rows("SELECT to_regclass('i') AS i")).toEqual([{ i: null }]);
    expect(await site.rows('SELECT step, state FROM lockstep.journal')).toEqual([]);
    await reader.end();
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
    expect((await site.up(build)).applied).toEqual(['0002_i']);
  });

  it('just before an index build keeps it from being sent', async () => {
    const site = await siteForTest();
    const build = {
      '0001_t.sql': 'CREATE TABLE t (id int);',
      '0002_i.sql': 'CREATE INDEX CONCURRENTLY i ON t (id);',
    };
    await site.up({ '0001_t.sql': build['0001_t.sql'] });
    const controller = new AbortController();
    // At a moment when nothing runs that could be cancelled.
    const on = ({ kind }: { kind: string }) => kind === 'step-started' && controller.abort();
    const error = await failureOf(site.up(build, { signal: controller.signal, on }));
    expect(error).toMatchObject({ code: 'LS605' });
    expect(await site.rows("SELECT to_regclass('i') AS i")).toEqual([{ i: null }]);
  });

  it('while waiting for the lease, for the advisory lock, for the server or for the schema is let go at once', async () => {
    const site = await siteForTest();
    const files = { '0001_a.sql': 'CREATE TABLE a ();' };
    const holder = await site.session('lockstep holder');
    const take = { applicationName: 'lockstep holder', clock: systemClock, budgetMs: 0 };
    const nobody = { onWait: () => undefined, endOrphan: async () => false };
    await takeLock({ session: holder, signal: new AbortController().signal, ...take, ...nobody });
    const silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(
      0,
      '127.0.0.1',
    );
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const database = { ...site.database, port: (silent.address() as { port: number }).port };
    const pause = () => systemClock.sleep(300);
    for (const work of [
      (signal: AbortSignal) => site.up(files, { signal }),
      (signal: AbortSignal) => site.up(files, { signal, leases: new MemoryLeaseStore() }),
      (signal: AbortSignal) => site.up(files, { signal, database }),
      (signal: AbortSignal) => site.attempt(files, { signal, database }),
      (signal: AbortSignal) =>
        waitUntilApplied({ ...site.context(), source: sourceOf(files), timeoutMs: 60_000, signal }),
    ]) {
      const { error, tookMs } = await abortWhen(pause, work);
      expect(error).toMatchObject({ code: 'LS605' });
      expect(tookMs).toBeLessThan(3_000);
    }
    expect(await site.rows(TABLES)).toEqual([]);
  });
});

describe('an attempt with a time limit', () => {
  const endsAt = (ms: number) => {
    const startedMs = performance.now();
    return () => Math.max(0, ms - (performance.now() - startedMs));
  };
  /** Plenty until so many migrations are done, and from then on this much: however slow the machine is. */
  const endsAfter = (migrations: number, ms: number) => {
    let done = 0;
    let ending: (() => number) | undefined;
    const on: Observer = ({ kind }) => {
      if (kind !== 'migration-done') return;
      done += 1;
      if (done === migrations) ending = endsAt(ms);
    };
    return { on, timeLeftMs: () => ending?.() ?? 60_000 };
  };
  const PAUSES = Object.fromEntries(
    [1, 2, 3, 4].map((n) => [`000${n}_pause.sql`, `CREATE TABLE t${n} (); SELECT pg_sleep(0.5);`]),
  );

  it('stops before its time is over, and says what is left; the next goes on', async () => {
    const site = await siteForTest();
    const leases = new MemoryLeaseStore();
    const lease = await leaseOf(leases, 'host:1:run');
    const run = { leases, lease, runId: 'run' };
    const first = await site.attempt(PAUSES, { ...run, ...endsAfter(2, 900) });
    expect(first).toMatchObject({ outcome: 'more', applied: ['0001_pause', '0002_pause'] });
    expect(first.notApplied).toEqual(['0003_pause', '0004_pause']);
    expect(await site.rows('SELECT verdict FROM lockstep.run')).toEqual([{ verdict: 'running' }]);
    const second = await site.attempt(PAUSES, run);
    expect(second).toMatchObject({
      outcome: 'applied',
      applied: ['0003_pause', '0004_pause'],
      notApplied: [],
    });
    expect(await site.rows('SELECT verdict FROM lockstep.run')).toEqual([{ verdict: 'applied' }]);
  });

  it('in the middle of a statement rolls that back and says that there is more', async () => {
    const site = await siteForTest();
    const files = { ...PAUSES, '0002_pause.sql': 'CREATE TABLE t2 (); SELECT pg_sleep(60);' };
    const { outcome, applied } = await site.attempt(files, endsAfter(1, 2_000));
    expect({ outcome, applied }).toEqual({ outcome: 'more', applied: ['0001_pause'] });
    expect(await site.rows(TABLES)).toEqual([{ t: 't1' }]);
  });

  it('that reverts says how far it came, and the rest can be reverted later', async () => {
    const site = await siteForTest();
    const downs = [1, 2, 3].map((n) => [`000${n}_pause.down.sql`, `DROP TABLE t${n}; SELECT pg_sleep(0.8);`]);
    await site.up({ ...PAUSES, ...Object.fromEntries(downs) }, { toRevision: '3' });
    const leases = new MemoryLeaseStore();
    const request = { kind: 'to', revision: '0' } as const;
    const options = { ...site.context(), runId: 'run', leases, lease: await leaseOf(leases, 'host:1:run') };
    const error = await failureOf(revert({ ...options, request, ...endsAfter(2, 900) }));
    expect(error).toMatchObject({ code: 'LS604', context: { reverted: 2, all: 3 } });
    expect(await site.rows(TABLES)).toEqual([{ t: 't1' }]);
    expect((await site.down(request)).reverted).toEqual(['0001_pause']);
  });

  it('with nothing done is an error, because calling again would change nothing: LS604', async () => {
    const site = await siteForTest();
    const slow = { '0001_slow.sql': 'SELECT pg_sleep(60);' };
    for (const timeLeftMs of [endsAt(1_500), endsAt(900)]) {
      const error = await failureOf(site.attempt(slow, { timeLeftMs }));
      expect(error).toMatchObject({ code: 'LS604' });
      expect(error.remedy).toMatch(/time limit of whoever runs it|`lockstep up` has no limit/);
    }
  });
});
