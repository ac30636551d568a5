import { describe, expect, test } from 'vitest';
import { type MemoryHooks, MemoryLeaseStore, type MemoryRecords } from '../../lib/adapters/memory/index.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import {
  type AcquireWithin,
  acquireWithin,
  type Lease,
  type LeaseStore,
} from '../../lib/core/lease/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const TARGET = 'orders';
const DURATION_MS = 30_000;

function setting(hooks?: MemoryHooks) {
  const records: MemoryRecords = new Map();
  const clock = new VirtualClock();
  const others: LeaseStore = new MemoryLeaseStore(records);
  const wait = (more: Partial<AcquireWithin> = {}) =>
    acquireWithin({
      store: new MemoryLeaseStore(records, hooks),
      target: TARGET,
      holder: 'waiter',
      durationMs: DURATION_MS,
      budgetMs: 120_000,
      clock,
      ...more,
    });
  return { records, clock, others, wait };
}

async function hold(store: LeaseStore, holder = 'a'): Promise<Lease> {
  const result = await store.tryAcquire({ target: TARGET, holder, durationMs: DURATION_MS });
  if (result.kind === 'held') throw new Error('held');
  return store.mint(result.lease);
}

const unavailable = () =>
  new LockstepError('LS404', { what: 'No answer.', state: 'Nothing.', remedy: 'Again.' });

describe('acquiring the lease in a process that can wait', () => {
  test('a free lease is acquired without waiting', async () => {
    const { wait } = setting();
    expect(await wait()).toMatchObject({
      kind: 'acquired',
      waitedMs: 0,
      lease: { holder: 'waiter', token: 0 },
    });
  });

  test('a lease that is released meanwhile is acquired within a second', async () => {
    const { clock, others, wait } = setting();
    const lease = await hold(others);
    clock.sleep(10_000).then(() => others.release(lease));
    const acquired = await clock.finish(wait());
    expect(acquired).toMatchObject({ kind: 'acquired', lease: { holder: 'waiter' } });
    expect(acquired).not.toHaveProperty('tookOverFrom');
    expect(acquired.waitedMs).toBeGreaterThanOrEqual(10_000);
    expect(acquired.waitedMs).toBeLessThanOrEqual(11_000);
  });

  test('a silent holder is taken over when its lease has been silent for its whole duration', async () => {
    const { clock, others, wait } = setting();
    await hold(others);
    const acquired = await clock.finish(wait());
    expect(acquired).toMatchObject({ kind: 'acquired', tookOverFrom: 'a' });
    expect(acquired.waitedMs).toBeGreaterThanOrEqual(DURATION_MS);
    expect(acquired.waitedMs).toBeLessThanOrEqual(DURATION_MS + 1000);
  });

  test('the duration of the lease that is held counts, not the one that the waiter asks for', async () => {
    const { clock, others, wait } = setting();
    await hold(others);
    const acquired = await clock.finish(wait({ durationMs: 1000 }));
    expect(acquired.waitedMs).toBeGreaterThanOrEqual(DURATION_MS);
  });

  test('a holder that renews is never taken over; the error names it and tells how long it was silent', async () => {
    const { clock, others, wait } = setting();
    const lease = await hold(others, 'host-1:42:x');
    const renewals = (async () => {
      for (let times = 0; times < 6; times++) {
        await clock.sleep(DURATION_MS - 5000);
        await others.renew(lease);
      }
    })();
    const error = await clock.finish(wait()).catch((thrown: unknown) => thrown);
    await renewals;
    expect(error).toMatchObject({
      code: 'LS401',
      exitCode: 3,
      context: { heldBy: 'host-1:42:x', waitedMs: 120_000 },
    });
    // Renewed at 100 s, seen at most a second later, given up at 120 s.
    const { silentMs } = (error as LockstepError).context;
    expect(silentMs).toBeGreaterThanOrEqual(19_000);
    expect(silentMs).toBeLessThanOrEqual(20_000);
  });

  test('without a budget it tries once', async () => {
    const { clock, others, wait } = setting();
    await hold(others);
    await expect(clock.finish(wait({ budgetMs: 0 }))).rejects.toMatchObject({ code: 'LS401' });
    expect(clock.nowMs()).toBe(0);
  });

  test('two waiters that find the same silent holder: one takes over, the other goes on waiting', async () => {
    const { clock, others, wait } = setting();
    await hold(others);
    const outcomes = await clock.finish(
      Promise.allSettled([wait({ holder: 'b', budgetMs: 40_000 }), wait({ holder: 'c', budgetMs: 40_000 })]),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('an abort ends the wait at once', async () => {
    const { clock, others, wait } = setting();
    await hold(others);
    const interruption = new AbortController();
    clock.sleep(5000).then(() => interruption.abort());
    await expect(clock.finish(wait({ signal: interruption.signal }))).rejects.toMatchObject({
      code: 'LS605',
    });
    expect(clock.nowMs()).toBe(5000);
  });

  test('a signal that has aborted already leaves the lease alone', async () => {
    const { records, wait } = setting();
    await expect(wait({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'LS605' });
    expect(records.size).toBe(0);
  });

  test('the observer is told who holds and for how long it has been waited', async () => {
    const { clock, others, wait } = setting();
    await hold(others);
    const told: { heldBy: string; waitedMs: number }[] = [];
    await clock.finish(wait({ onWait: (waited) => told.push(waited) }));
    expect(new Set(told.map(({ heldBy }) => heldBy))).toEqual(new Set(['a']));
    expect(told[0]?.waitedMs).toBe(0);
    expect(told.at(-1)?.waitedMs).toBeGreaterThan(DURATION_MS - 1000);
  });

  test('silence counts from the end of the first look to the start of the last one', async () => {
    const LOOK_MS = 4000;
    let passes = async () => undefined as unknown;
    const { clock, others, wait } = setting({ after: async () => void (await passes()) });
    passes = () => clock.sleep(LOOK_MS);
    await hold(others);
    const told: { waitedMs: number; silentMs: number }[] = [];
    const acquired = await clock.finish(wait({ onWait: (waited) => told.push(waited) }));
    expect(told.length).toBeGreaterThan(5);
    for (const { waitedMs, silentMs } of told.slice(1)) expect(silentMs).toBe(waitedMs - 2 * LOOK_MS);
    // The last look, and the two requests of the take-over.
    expect(acquired.waitedMs).toBeLessThan(DURATION_MS + 5 * LOOK_MS + 1000);
  });

  test('waiters read only: however many they are, the record is written by its holder alone', async () => {
    let writes = 0;
    const { clock, others, wait } = setting({
      before: async ({ kind }) => void (kind === 'write' && writes++),
    });
    await hold(others);
    const waiters = Array.from({ length: 10 }, (_, index) => wait({ holder: `w${index}`, budgetMs: 20_000 }));
    await clock.finish(Promise.allSettled(waiters));
    expect(writes).toBe(0);
  });
});

describe('a store that hears of a release', () => {
  /** `tell` gives the word to all who wait. */
  function telling(hooks?: MemoryHooks) {
    const base = setting(hooks);
    const told: (() => void)[] = [];
    const onRelease = (of: () => void) => {
      told.push(of);
      return true;
    };
    const storeOf = () => Object.assign(new MemoryLeaseStore(base.records, hooks), { onRelease });
    const wait = (more: Partial<AcquireWithin> = {}) => base.wait({ store: storeOf(), ...more });
    const tell = () => {
      for (const of of told) of();
    };
    return { ...base, wait, tell };
  }

  test('wakes who waits at once', async () => {
    const { clock, others, wait, tell } = telling();
    const lease = await hold(others);
    clock.sleep(10_000).then(async () => {
      await others.release(lease);
      tell();
    });
    expect(await clock.finish(wait())).toMatchObject({ kind: 'acquired', waitedMs: 10_000 });
  });

  test('wakes who was just looking, too', async () => {
    const REQUEST_MS = 400;
    let toldAtMs: number | undefined;
    let onRead = async () => undefined as unknown;
    // What is read is decided; the answer is on its way.
    const { clock, others, wait, tell } = telling({
      after: async ({ kind }) => {
        if (kind === 'read') await onRead();
        await clock.sleep(REQUEST_MS);
      },
    });
    const lease = await hold(others);
    onRead = async () => {
      if (toldAtMs !== undefined || clock.nowMs() < 10_000) return;
      toldAtMs = clock.nowMs();
      await others.release(lease);
      tell();
    };
    const acquired = await clock.finish(wait());
    // The rest of that look, another one, and the two requests that take the lease: no pause.
    expect(acquired.waitedMs).toBe(toldAtMs! + 4 * REQUEST_MS);
  });

  test('is asked at the word whether it is needed, before it looks: mostly it is not', async () => {
    let reads = 0;
    const { clock, others, wait, tell } = telling({
      before: async ({ kind }) => void (kind === 'read' && reads++),
    });
    const lease = await hold(others);
    let ready = false;
    let readsBefore = 0;
    clock.sleep(10_000).then(async () => {
      await others.release(lease);
      ready = true;
      readsBefore = reads;
      tell();
    });
    const waiters = Array.from({ length: 5 }, (_, i) =>
      wait({ holder: `w${i}`, isNeeded: async () => !ready }),
    );
    const outcomes = await clock.finish(Promise.all(waiters));
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(5).fill('not-needed'));
    expect(outcomes.map(({ waitedMs }) => waitedMs)).toEqual(Array(5).fill(10_000));
    expect(reads).toBe(readsBefore);
  });

  test('takes nothing from its holder by a word that is not true, and counts its silence as before', async () => {
    const { clock, others, wait, tell } = telling();
    await hold(others);
    for (let s = 1; s <= 40; s += 1) clock.sleep(s * 1_000 - 1).then(tell);
    const acquired = await clock.finish(wait());
    expect(acquired).toMatchObject({ kind: 'acquired', tookOverFrom: 'a' });
    expect(acquired.waitedMs).toBeGreaterThanOrEqual(DURATION_MS);
  });

  test('hears ten words a second at most', async () => {
    let reads = 0;
    const { clock, others, wait, tell } = telling({
      before: async ({ kind }) => void (kind === 'read' && reads++),
    });
    await hold(others);
    for (let ms = 1; ms <= 10_000; ms += 1) clock.sleep(ms).then(tell);
    await clock.finish(wait({ budgetMs: 10_000 }).catch(() => undefined));
    expect(reads).toBeGreaterThan(80);
    expect(reads).toBeLessThan(220);
  });

  test('may be interrupted as any other', async () => {
    const { clock, others, wait, tell } = telling();
    await hold(others);
    const interruption = new AbortController();
    clock.sleep(4_000).then(tell);
    clock.sleep(5_000).then(() => interruption.abort());
    await expect(clock.finish(wait({ signal: interruption.signal }))).rejects.toMatchObject({
      code: 'LS605',
    });
    expect(clock.nowMs()).toBe(5_000);
  });
});

describe('waiting for something that somebody else may do meanwhile', () => {
  test('is over when the lease was released and nothing is left to do', async () => {
    const { records, clock, others, wait } = setting();
    const lease = await hold(others);
    let ready = false;
    clock.sleep(10_000).then(() => {
      ready = true;
      return others.release(lease);
    });
    const waiters = Array.from({ length: 5 }, (_, index) =>
      wait({ holder: `w${index}`, isNeeded: async () => !ready }),
    );
    const outcomes = await clock.finish(Promise.all(waiters));
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(5).fill('not-needed'));
    expect(records.get(TARGET)).toMatchObject({ state: 'FREE', token: lease.token });
  });

  test('is over when the lease went to another holder and nothing is left to do', async () => {
    const { clock, others, wait } = setting();
    const lease = await hold(others);
    clock.sleep(10_000).then(async () => {
      await others.release(lease);
      await hold(others, 'b');
    });
    expect(await clock.finish(wait({ isNeeded: async () => false }))).toMatchObject({ kind: 'not-needed' });
  });

  test('goes on to acquire when something is left to do', async () => {
    const { clock, others, wait } = setting();
    const lease = await hold(others);
    clock.sleep(10_000).then(() => others.release(lease));
    let asked = 0;
    const acquired = await clock.finish(wait({ isNeeded: async () => ++asked > 0 }));
    expect(acquired).toMatchObject({ kind: 'acquired' });
    expect(asked).toBe(1);
  });

  test('does not ask again for a mere renewal, and frees the lease of a dead holder in any case', async () => {
    const { clock, others, wait } = setting();
    const lease = await hold(others);
    clock.sleep(10_000).then(() => others.renew(lease));
    let asked = 0;
    const isNeeded = async () => ++asked === 0;
    expect(await clock.finish(wait({ isNeeded }))).toMatchObject({ kind: 'acquired', tookOverFrom: 'a' });
    expect(asked).toBe(0);
  });
});

describe('a lease store that fails while a process waits', () => {
  test('is reported at once when it never answered', async () => {
    const { clock, wait } = setting({
      before: async () => {
        throw unavailable();
      },
    });
    await expect(clock.finish(wait())).rejects.toMatchObject({ code: 'LS404' });
    expect(clock.nowMs()).toBe(0);
  });

  test('is tolerated for a while, and the silence of the holder counts on', async () => {
    let clockMs = () => 0;
    const { clock, others, wait } = setting({
      before: async () => {
        if (clockMs() > 5000 && clockMs() < 20_000) throw unavailable();
      },
    });
    clockMs = () => clock.nowMs();
    await hold(others);
    const acquired = await clock.finish(wait());
    expect(acquired).toMatchObject({ kind: 'acquired', tookOverFrom: 'a' });
    expect(acquired.waitedMs).toBeLessThanOrEqual(DURATION_MS + 1000);
  });

  test('is reported when it still fails at the end of the budget', async () => {
    let clockMs = () => 0;
    const { clock, others, wait } = setting({
      before: async () => {
        if (clockMs() > 5000) throw unavailable();
      },
    });
    clockMs = () => clock.nowMs();
    await hold(others);
    await expect(clock.finish(wait({ budgetMs: 60_000 }))).rejects.toMatchObject({ code: 'LS404' });
    expect(clock.nowMs()).toBe(60_000);
  });

  test('is asked at the usual pace when a take-over fails', async () => {
    let writes = 0;
    const { clock, others, wait } = setting({
      before: async ({ kind }) => {
        if (kind !== 'write') return;
        writes++;
        throw unavailable();
      },
    });
    await hold(others);
    await expect(clock.finish(wait({ budgetMs: DURATION_MS + 10_000 }))).rejects.toMatchObject({
      code: 'LS404',
    });
    expect(writes).toBeGreaterThan(5);
    expect(writes).toBeLessThan(30);
  });

  test('an acquire that arrived although it was reported as failed is ours', async () => {
    const records: MemoryRecords = new Map();
    const clock = new VirtualClock();
    const others = new MemoryLeaseStore(records);
    const lease = await hold(others);
    let failing = true;
    // The write is done, and neither its reply nor the read after it comes back.
    const store = new MemoryLeaseStore(records, {
      after: async () => {
        if (failing && records.get(TARGET)?.holder === 'waiter') throw unavailable();
      },
    });
    clock.sleep(1000).then(() => others.release(lease));
    clock.sleep(4000).then(() => {
      failing = false;
    });
    const options = {
      store,
      target: TARGET,
      holder: 'waiter',
      durationMs: DURATION_MS,
      budgetMs: 20_000,
      clock,
    };
    const acquired = await clock.finish(
      acquireWithin({ ...options, isNeeded: async () => clock.nowMs() < 3000 }),
    );
    expect(acquired).toMatchObject({ kind: 'acquired', lease: { holder: 'waiter' } });
    expect(acquired.waitedMs).toBeLessThan(6000);
  });
});
