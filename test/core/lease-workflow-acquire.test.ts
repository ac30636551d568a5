import { describe, expect, test } from 'vitest';
import { MemoryLeaseStore, type MemoryRecords } from '../../lib/adapters/memory/index.ts';
import { type LeaseStore, stepWorkflowAcquire } from '../../lib/core/lease/index.ts';
import { type LeaseProgress, leaseProgressSchema } from '../../lib/core/workflow/payloads.ts';

const NOT_STARTED: LeaseProgress = {
  acquired: false,
  heldBy: null,
  watch: null,
  waitSeconds: 0,
  waitedSeconds: 0,
};
const ask = (holder: string, takeOver?: string) => ({
  target: 'orders',
  holder,
  durationMs: 60_000,
  takeOver,
});

function setting() {
  const records: MemoryRecords = new Map();
  const store: LeaseStore = new MemoryLeaseStore(records);
  const gone = new Set<string>();
  /** One invocation; what it returns is what the payload carries to the next. */
  const step = (previous: LeaseProgress, { holder = 'execution-b', maxWaitSeconds = 600 } = {}) =>
    stepWorkflowAcquire({
      target: 'orders',
      previous,
      tryAcquire: (takeOver) => store.tryAcquire(ask(holder, takeOver)),
      holderIsGone: async (other) => gone.has(other),
      maxWaitSeconds,
    });
  return { records, store, gone, step };
}

type Step = (previous: LeaseProgress) => Promise<LeaseProgress>;

/** Steps until `isEnough`; fails when that takes more steps than any workflow here needs. */
async function stepUntil(step: Step, isEnough: (progress: LeaseProgress) => boolean): Promise<LeaseProgress> {
  let progress = await step(NOT_STARTED);
  for (let steps = 0; !isEnough(progress); steps++) {
    expect(steps).toBeLessThan(50);
    progress = await step(progress);
  }
  return progress;
}

describe('acquiring the lease in a workflow', () => {
  test('a free lease is acquired in the first step', async () => {
    const { step } = setting();
    expect(await step(NOT_STARTED)).toEqual({ ...NOT_STARTED, acquired: true });
  });

  test('a step that is repeated finds the lease acquired', async () => {
    const { step } = setting();
    await step(NOT_STARTED);
    expect(await step(NOT_STARTED)).toMatchObject({ acquired: true });
  });

  test('a step that finds another holder names it and says how long to wait', async () => {
    const { store, step } = setting();
    await store.tryAcquire(ask('execution-a'));
    const progress = await step(NOT_STARTED);
    expect(progress).toMatchObject({
      acquired: false,
      heldBy: 'execution-a',
      waitSeconds: 1,
      waitedSeconds: 0,
    });
    expect(progress.watch?.unchangedMs).toBe(0);
  });

  test('waits grow, and only waits that lie behind are counted', async () => {
    const { store, step } = setting();
    await store.tryAcquire(ask('execution-a'));
    const waits: [number, number, number | undefined][] = [];
    let progress = NOT_STARTED;
    for (let times = 0; times < 5; times++) {
      progress = await step(progress);
      waits.push([progress.waitSeconds, progress.waitedSeconds, progress.watch?.unchangedMs]);
    }
    expect(waits).toEqual([
      [1, 0, 0],
      [2, 1, 1000],
      [3, 3, 3000],
      [5, 6, 6000],
      [8, 11, 11_000],
    ]);
  });

  test('a silent holder is taken over when the waits add up to the duration of its lease', async () => {
    const { records, store, step } = setting();
    await store.tryAcquire(ask('execution-a'));
    const progress = await stepUntil(step, ({ acquired }) => acquired);
    expect(progress.waitedSeconds).toBeGreaterThanOrEqual(60);
    expect(progress.waitedSeconds).toBeLessThanOrEqual(75);
    expect(records.get('orders')).toMatchObject({ holder: 'execution-b' });
  });

  test('a renewal of the holder starts the watch again', async () => {
    const { store, step } = setting();
    await store.tryAcquire(ask('execution-a'));
    const before = await stepUntil(step, ({ waitedSeconds }) => waitedSeconds >= 40);
    await store.tryAcquire(ask('execution-a'));
    const progress = await step(before);
    expect(progress).toMatchObject({ acquired: false, watch: { unchangedMs: 0 } });
  });

  test('a holder that is no longer running is taken over at once', async () => {
    const { records, store, gone, step } = setting();
    await store.tryAcquire(ask('execution-a'));
    gone.add('execution-a');
    expect(await step(NOT_STARTED)).toMatchObject({ acquired: true, waitedSeconds: 0 });
    expect(records.get('orders')).toMatchObject({ holder: 'execution-b' });
  });

  test('of two workflows that find the same holder gone one acquires, the other waits for it', async () => {
    const { store, gone, step } = setting();
    await store.tryAcquire(ask('execution-a'));
    gone.add('execution-a');
    const steps = await Promise.all([
      step(NOT_STARTED, { holder: 'execution-b' }),
      step(NOT_STARTED, { holder: 'execution-c' }),
    ]);
    const [winner] = steps.filter(({ acquired }) => acquired);
    const [loser] = steps.filter(({ acquired }) => !acquired);
    expect(winner).toBeDefined();
    expect(loser).toMatchObject({ watch: { unchangedMs: 0 }, waitSeconds: 1 });
    expect(['execution-b', 'execution-c']).toContain(loser?.heldBy);
  });

  test('a lease that changed hands while the holder was looked up is not taken from its new holder', async () => {
    const { records, store } = setting();
    await store.tryAcquire(ask('execution-a'));
    const progress = await stepWorkflowAcquire({
      target: 'orders',
      previous: NOT_STARTED,
      tryAcquire: (takeOver) => store.tryAcquire(ask('execution-b', takeOver)),
      holderIsGone: async () => {
        await store.forceRelease('orders');
        await store.tryAcquire(ask('execution-c'));
        return true;
      },
      maxWaitSeconds: 600,
    });
    expect(progress).toMatchObject({ acquired: false, heldBy: 'execution-c' });
    expect(progress.watch?.recordVersion).toBe(records.get('orders')?.recordVersion);
  });

  test('the last wait ends with the time allowed, then the error names the holder', async () => {
    const { store, step } = setting();
    await store.tryAcquire(ask('execution-a'));
    const stepWithin = (previous: LeaseProgress) => step(previous, { maxWaitSeconds: 20 });
    const progress = await stepUntil(
      stepWithin,
      ({ waitedSeconds, waitSeconds }) => waitedSeconds + waitSeconds >= 20,
    );
    expect(progress.waitedSeconds + progress.waitSeconds).toBe(20);
    await expect(stepWithin(progress)).rejects.toMatchObject({
      code: 'LS401',
      name: 'LeaseUnavailableError',
      context: { heldBy: 'execution-a', waitedMs: 20_000, silentMs: 20_000 },
    });
  });

  test('what a step returns is a payload of the workflow', async () => {
    const { store, step } = setting();
    await store.tryAcquire(ask('execution-a'));
    const progress = await step(await step(NOT_STARTED));
    expect(leaseProgressSchema.parse(JSON.parse(JSON.stringify(progress)))).toEqual(progress);
  });
});
