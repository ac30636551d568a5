import { describe, expect, test } from 'vitest';
import { type MemoryHooks, MemoryLeaseStore, type MemoryRecords } from '../../lib/adapters/memory/index.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import { keepRenewed, type Lease } from '../../lib/core/lease/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const DURATION_MS = 30_000;
const TRUST_MS = 25_000;
const unavailable = () =>
  new LockstepError('LS404', { what: 'No answer.', state: 'Nothing.', remedy: 'Again.' });

/** A holder that keeps its lease; `hooks` are the faults of its register. */
async function setting(makeHooks: (clock: VirtualClock) => MemoryHooks = () => ({})) {
  const records: MemoryRecords = new Map();
  const clock = new VirtualClock();
  const others = new MemoryLeaseStore(records);
  const result = await others.tryAcquire({ target: 'orders', holder: 'a', durationMs: DURATION_MS });
  if (result.kind === 'held') throw new Error('held');
  const lease: Lease = await others.mint(result.lease);
  const lost: { error: LockstepError; atMs: number }[] = [];
  const keep = (more: { mintStartedAtMs?: number } = {}) =>
    keepRenewed({
      ...more,
      store: new MemoryLeaseStore(records, makeHooks(clock)),
      lease,
      clock,
      onLost: (error) => lost.push({ error, atMs: clock.nowMs() }),
    });
  return { records, clock, others, lease, lost, keep };
}

const countWrites = (count: { writes: number }): MemoryHooks => ({
  before: async ({ kind }) => {
    if (kind === 'write') count.writes++;
  },
});

/** Fails each operation that begins between the two times. */
const failsBetween = (fromMs: number, untilMs: number) => (clock: VirtualClock) => ({
  before: async () => {
    if (clock.nowMs() >= fromMs && clock.nowMs() < untilMs) throw unavailable();
  },
});

describe('keeping a lease', () => {
  test('renews at once and then three times in each duration', async () => {
    const count = { writes: 0 };
    const { clock, lost, keep } = await setting(() => countWrites(count));
    const keeping = keep();
    await clock.run(DURATION_MS + 1);
    expect(count.writes).toBe(4);
    await keeping.stop();
    expect(lost).toEqual([]);
  });

  test('renews no more after it was stopped', async () => {
    const { records, clock, lost, keep } = await setting();
    const keeping = keep();
    await clock.run(DURATION_MS);
    await keeping.stop();
    const last = records.get('orders');
    await clock.run(10 * DURATION_MS);
    expect(records.get('orders')).toBe(last);
    expect(lost).toEqual([]);
  });

  test('says at its next renewal that the lease was taken over', async () => {
    const { records, clock, others, lost, keep } = await setting();
    const keeping = keep();
    await clock.run(12_000);
    const takeOver = records.get('orders')?.recordVersion;
    await others.tryAcquire({ target: 'orders', holder: 'b', durationMs: DURATION_MS, takeOver });
    await clock.run(60_000);
    expect(lost).toMatchObject([{ error: { code: 'LS402' }, atMs: 20_000 }]);
    await keeping.stop();
    expect(records.get('orders')).toMatchObject({ holder: 'b' });
  });

  test('outlives a store that fails for a while', async () => {
    const { clock, lost, keep } = await setting(failsBetween(15_000, 30_000));
    const keeping = keep();
    await clock.run(300_000);
    await keeping.stop();
    expect(lost).toEqual([]);
  });

  test('gives up before others may take over when the store keeps failing', async () => {
    const { clock, lost, keep } = await setting(failsBetween(15_000, Number.POSITIVE_INFINITY));
    const keeping = keep();
    await clock.run(300_000);
    // The last renewal that succeeded started at 10 s.
    expect(lost).toMatchObject([{ error: { code: 'LS402' }, atMs: 10_000 + TRUST_MS }]);
    expect(lost[0]?.error.cause).toMatchObject({ code: 'LS404' });
    await keeping.stop();
  });

  test('trusts a renewal from its start, however late its reply came', async () => {
    const slow = (clock: VirtualClock): MemoryHooks => ({
      after: async ({ kind }) => {
        if (kind === 'write') await clock.sleep(8000);
        if (clock.nowMs() > 8000) throw unavailable();
      },
      before: async () => {
        if (clock.nowMs() > 8000) throw unavailable();
      },
    });
    const { clock, lost, keep } = await setting(slow);
    const keeping = keep();
    await clock.run(300_000);
    expect(lost).toMatchObject([{ atMs: TRUST_MS }]);
    await keeping.stop();
  });

  test('trusts a mint from its start', async () => {
    const { clock, lost, keep } = await setting(failsBetween(0, Number.POSITIVE_INFINITY));
    await clock.run(8000);
    const keeping = keep({ mintStartedAtMs: 0 });
    await clock.run(300_000);
    expect(lost).toMatchObject([{ atMs: TRUST_MS }]);
    await keeping.stop();
  });

  test('gives up in time when a renewal never comes back', async () => {
    const hangs: MemoryHooks = {
      before: async () => {
        await new Promise(() => undefined);
      },
    };
    const { clock, lost, keep } = await setting(() => hangs);
    const keeping = keep();
    await clock.run(300_000);
    expect(lost).toMatchObject([{ error: { code: 'LS402' }, atMs: TRUST_MS }]);
    await keeping.stop();
  });

  test('gives up at once on an error that another try would not mend', async () => {
    const broken: MemoryHooks = {
      before: async () => {
        throw new TypeError('a defect');
      },
    };
    const { clock, lost, keep } = await setting(() => broken);
    const keeping = keep();
    await clock.run(1);
    expect(lost).toMatchObject([{ error: { code: 'LS901' }, atMs: 0 }]);
    await keeping.stop();
  });

  test('waits on stop for the renewal in flight, and keeps its result to itself', async () => {
    const { clock, others, lease, lost, keep } = await setting((slow) => ({
      before: async ({ kind }) => {
        if (kind === 'write') await slow.sleep(2000);
      },
    }));
    const keeping = keep();
    await clock.run(12_500);
    expect(await others.release(lease)).toBe('released');
    let stopped = false;
    const stop = keeping.stop().then(() => {
      stopped = true;
    });
    await clock.run(0);
    expect(stopped).toBe(false);
    await clock.run(2000);
    await stop;
    expect(lost).toEqual([]);
  });

  test('hands what onLost throws to the one who stops it', async () => {
    const { clock, others, lease } = await setting();
    await others.forceRelease('orders');
    const onLost = () => {
      throw new Error('from onLost');
    };
    const keeping = keepRenewed({ store: others, lease, clock, onLost });
    await clock.run(1);
    await expect(keeping.stop()).rejects.toThrow('from onLost');
  });
});
