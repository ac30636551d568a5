import { describe, expect, test } from 'vitest';
import {
  type MemoryHooks,
  MemoryLeaseRegister,
  MemoryLeaseStore,
  type MemoryRecords,
} from '../../lib/adapters/memory/index.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import { CasLeaseStore, type Lease, type LeaseRecord, type LeaseStore } from '../../lib/core/lease/index.ts';

const TARGET = 'orders';
const ask = (holder: string, takeOver?: string) => ({ target: TARGET, holder, durationMs: 30_000, takeOver });
const lost = () => new LockstepError('LS404', { what: 'Lost.', state: 'Nothing.', remedy: 'Again.' });

/** Another participant than those under test, whose register has no faults. */
const other = (records: MemoryRecords) => new MemoryLeaseStore(records);

async function holderOf(records: MemoryRecords, holder: string): Promise<Lease> {
  const result = await other(records).tryAcquire(ask(holder));
  if (result.kind === 'held') throw new Error('held');
  return other(records).mint(result.lease);
}

/** Each operation that writes, on a lease that `a` holds. */
const WRITES: ReadonlyArray<[string, (store: LeaseStore, lease: Lease) => Promise<unknown>, unknown]> = [
  ['an acquire', (store) => store.tryAcquire(ask('a')), { kind: 'acquired' }],
  [
    'a take-over',
    async (store, { target }) => {
      const record = await store.read(target);
      return store.tryAcquire(ask('b', record?.recordVersion));
    },
    { kind: 'acquired', tookOverFrom: 'a', lease: { holder: 'b' } },
  ],
  ['a mint', (store, lease) => store.mint(lease), { token: 2 }],
  ['a renewal', (store, lease) => store.renew(lease), undefined],
  ['a release', (store, lease) => store.release(lease), 'released'],
  ['a force release', (store, lease) => store.forceRelease(lease.target), { holder: 'a', state: 'HELD' }],
];

const expectOutcome = (outcome: unknown, expected: unknown) =>
  typeof expected === 'object' ? expect(outcome).toMatchObject(expected!) : expect(outcome).toBe(expected);

describe('a lease over a compare-and-set register', () => {
  test.each(WRITES)(
    'a %s whose reply was lost counts as done when it was written',
    async (_, act, expected) => {
      const records: MemoryRecords = new Map();
      const lease = await holderOf(records, 'a');
      let writes = 0;
      const losesReplies: MemoryHooks = {
        after: async ({ kind }) => {
          if (kind === 'write' && ++writes > 0) throw lost();
        },
      };
      expectOutcome(await act(new MemoryLeaseStore(records, losesReplies), lease), expected);
      expect(writes).toBe(1);
    },
  );

  test.each(WRITES)(
    'a %s that a client repeated by itself is no conflict with itself',
    async (_, act, expected) => {
      const records: MemoryRecords = new Map();
      const lease = await holderOf(records, 'a');
      const inner = new MemoryLeaseRegister(records);
      const repeating = {
        read: (target: string) => inner.read(target),
        write: async (next: LeaseRecord, version: string | undefined) => {
          await inner.write(next, version);
          return inner.write(next, version);
        },
      };
      expectOutcome(await act(new CasLeaseStore(repeating, versions()), lease), expected);
    },
  );

  test.each(WRITES)('%s whose request was lost is reported and changes nothing', async (_, act) => {
    const records: MemoryRecords = new Map();
    const lease = await holderOf(records, 'a');
    const before = records.get(TARGET);
    const losesRequests: MemoryHooks = {
      before: async ({ kind }) => {
        if (kind === 'write') throw lost();
      },
    };
    await expect(act(new MemoryLeaseStore(records, losesRequests), lease)).rejects.toMatchObject({
      code: 'LS404',
    });
    expect(records.get(TARGET)).toEqual(before);
  });

  test('the first acquire of a target survives a lost reply, too', async () => {
    const records: MemoryRecords = new Map();
    const store = new MemoryLeaseStore(records, {
      after: async ({ kind }) => {
        if (kind === 'write') throw lost();
      },
    });
    expect(await store.tryAcquire(ask('a'))).toMatchObject({ kind: 'acquired' });
  });

  test('a decision is made again when somebody wrote between the read and the write', async () => {
    const records: MemoryRecords = new Map();
    const lease = await holderOf(records, 'a');
    const store = new MemoryLeaseStore(records, { before: onWrite(once(() => other(records).renew(lease))) });
    expect(await store.mint(lease)).toMatchObject({ token: lease.token + 1 });
    expect(records.get(TARGET)).toMatchObject({ holder: 'a', token: lease.token + 1 });
  });

  test('a take-over gives way to a renewal that came before it', async () => {
    const records: MemoryRecords = new Map();
    const lease = await holderOf(records, 'a');
    const store = new MemoryLeaseStore(records, { before: onWrite(once(() => other(records).renew(lease))) });
    const observed = records.get(TARGET)?.recordVersion;
    expect(await store.tryAcquire(ask('b', observed))).toMatchObject({
      kind: 'held',
      record: { holder: 'a' },
    });
  });

  test('a renewal gives way to a take-over that came before it', async () => {
    const records: MemoryRecords = new Map();
    const lease = await holderOf(records, 'a');
    const observed = records.get(TARGET)?.recordVersion;
    const takesOver = once(() => other(records).tryAcquire(ask('b', observed)));
    const store = new MemoryLeaseStore(records, { before: onWrite(takesOver) });
    await expect(store.renew(lease)).rejects.toMatchObject({ code: 'LS402' });
    expect(records.get(TARGET)).toMatchObject({ holder: 'b' });
  });

  test('a watcher cannot take over with the version that it saw before a renewal', async () => {
    const records: MemoryRecords = new Map();
    const lease = await holderOf(records, 'a');
    const observed = records.get(TARGET)?.recordVersion;
    await other(records).renew(lease);
    expect(await other(records).tryAcquire(ask('b', observed))).toMatchObject({ kind: 'held' });
  });

  test('an acquire by the holder itself shows that it lives', async () => {
    const records: MemoryRecords = new Map();
    await holderOf(records, 'a');
    const observed = records.get(TARGET)?.recordVersion;
    await other(records).tryAcquire(ask('a'));
    expect(await other(records).tryAcquire(ask('b', observed))).toMatchObject({ kind: 'held' });
  });

  test('a record that changes without end is given up with an error that may be tried again', async () => {
    const records: MemoryRecords = new Map();
    const lease = await holderOf(records, 'a');
    const store = new MemoryLeaseStore(records, { before: onWrite(() => other(records).renew(lease)) });
    const error = await store.renew(lease).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'LS404', retryable: true });
  });

  test.each<[string, (records: MemoryRecords, lease: Lease) => Promise<unknown>, string]>([
    [
      'taken over',
      (records) => other(records).tryAcquire(ask('b', records.get(TARGET)?.recordVersion)),
      'b has taken it over',
    ],
    ['freed', (records) => other(records).forceRelease(TARGET), 'it was freed'],
    ['minted again', (records, lease) => other(records).mint(lease), 'a newer attempt of the same holder'],
  ])('the error of a lease that was %s says so', async (_, lose, text) => {
    const records: MemoryRecords = new Map();
    const lease = await holderOf(records, 'a');
    await lose(records, lease);
    await expect(other(records).renew(lease)).rejects.toThrow(text);
  });
});

function versions(): () => string {
  let last = 0;
  return () => `test-${++last}`;
}

function once(act: () => Promise<unknown>): () => Promise<void> {
  let done = false;
  return async () => {
    if (done) return;
    done = true;
    await act();
  };
}

const onWrite =
  (act: () => Promise<unknown>) =>
  async ({ kind }: { kind: 'read' | 'write' }) => {
    if (kind === 'write') await act();
  };
