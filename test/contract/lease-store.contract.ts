/**
 * What every lease store promises, as its participants see it. Each participant is a store of its own, as in a
 * process of its own, over one shared backing: a PostgreSQL store is one database session, whose lease ends
 * with the session. So nothing here depends on how a store keeps the lease: not on what changes the record
 * version besides a change of holder, and not on lease durations.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Lease, LeaseRecord, LeaseStore } from '../../lib/core/lease/index.ts';

export interface Participants {
  /** One more participant. */
  open(): Promise<LeaseStore>;
  /** Ends them all, and their backing. */
  close(): Promise<void>;
}

const TARGET = 'orders';
const RACERS = 50;
const ask = (holder: string, takeOver?: string) => ({ target: TARGET, holder, durationMs: 30_000, takeOver });

/** `makeParticipants` is called for each test, and gives a backing in which nobody ever acquired anything. */
export function describeLeaseStore(name: string, makeParticipants: () => Promise<Participants>): void {
  describe(`${name} as a lease store`, () => {
    let participants: Participants;
    beforeEach(async () => {
      participants = await makeParticipants();
    });
    afterEach(() => participants.close());

    const open = () => participants.open();

    /** A participant that holds the lease with a token of its own. */
    async function openHolder(holder: string): Promise<{ store: LeaseStore; lease: Lease }> {
      const store = await open();
      return { store, lease: await store.mint(await acquire(store, holder)) };
    }

    /** Somebody else takes the lease from its holder; the new holder has minted. */
    async function takeOver(holder: string): Promise<{ store: LeaseStore; lease: Lease }> {
      const store = await open();
      const { recordVersion } = await readHeld(store);
      return { store, lease: await store.mint(await acquire(store, holder, recordVersion)) };
    }

    test('a target that nobody ever acquired has no record', async () => {
      expect(await (await open()).read(TARGET)).toBeUndefined();
    });

    test(`of ${RACERS} that try at once exactly one acquires, and the others are told who`, async () => {
      const racers = await Promise.all(
        Array.from({ length: RACERS }, async (_, index) => ({
          holder: `racer-${index}`,
          store: await open(),
        })),
      );
      const results = await Promise.all(racers.map(({ holder, store }) => store.tryAcquire(ask(holder))));
      const winners = results.flatMap((result) => (result.kind === 'acquired' ? [result.lease.holder] : []));
      expect(winners).toHaveLength(1);
      const named = results.flatMap((result) => (result.kind === 'held' ? [result.record.holder] : []));
      expect(new Set(named)).toEqual(new Set(winners));
    });

    test('an acquired lease has no token yet and is shown to others as held by its holder', async () => {
      const store = await open();
      expect(await acquire(store, 'a')).toEqual({
        target: TARGET,
        holder: 'a',
        durationMs: 30_000,
        token: 0,
      });
      expect(await (await open()).read(TARGET)).toMatchObject({ target: TARGET, state: 'HELD', holder: 'a' });
    });

    test('a minted token is greater than the floor and is the one in the record', async () => {
      const store = await open();
      const lease = await store.mint(await acquire(store, 'a'), 41);
      expect(lease.token).toBeGreaterThan(41);
      expect(await readHeld(store)).toMatchObject({ holder: 'a', token: lease.token });
    });

    test('two of one holder that mint at once get different tokens', async () => {
      const store = await open();
      const lease = await acquire(store, 'a');
      const [one, other] = await Promise.all([store.mint(lease), store.mint(lease)]);
      expect(one.token).not.toBe(other.token);
      expect((await readHeld(store)).token).toBe(Math.max(one.token, other.token));
    });

    test('a released lease stays as a free record that keeps its token', async () => {
      const { store, lease } = await openHolder('a');
      expect(await store.release(lease)).toBe('released');
      expect(await (await open()).read(TARGET)).toMatchObject({
        state: 'FREE',
        holder: '',
        token: lease.token,
      });
    });

    test('a lease can be released before a token was minted', async () => {
      const store = await open();
      expect(await store.release(await acquire(store, 'a'))).toBe('released');
      expect(await acquire(await open(), 'b')).toMatchObject({ holder: 'b' });
    });

    test('a second release finds nothing to release', async () => {
      const { store, lease } = await openHolder('a');
      await store.release(lease);
      expect(await store.release(lease)).toBe('not-held');
    });

    test('who has released the lease cannot mint any more', async () => {
      const { store, lease } = await openHolder('a');
      await store.release(lease);
      await expect(store.mint(lease)).rejects.toMatchObject({ code: 'LS402' });
      await expect(store.mint({ ...lease, token: 0 })).rejects.toMatchObject({ code: 'LS402' });
    });

    test('tokens grow over release, take-over and force release', async () => {
      const a = await openHolder('a');
      await a.store.release(a.lease);
      const b = await openHolder('b');
      const c = await takeOver('c');
      await (await open()).forceRelease(TARGET);
      const d = await openHolder('d');
      const tokens = [a, b, c, d].map(({ lease }) => lease.token);
      expect(tokens).toEqual([...new Set(tokens)].sort((x, y) => x - y));
    });

    test('a holder can renew as often as it likes and still holds', async () => {
      const { store, lease } = await openHolder('a');
      for (let times = 0; times < 3; times++) await store.renew(lease);
      expect(await readHeld(await open())).toMatchObject({ holder: 'a', token: lease.token });
    });

    test('a take-over names the holder that lost the lease', async () => {
      await openHolder('a');
      const store = await open();
      const { recordVersion } = await readHeld(store);
      const result = await store.tryAcquire(ask('b', recordVersion));
      expect(result).toMatchObject({ kind: 'acquired', tookOverFrom: 'a' });
      expect(await readHeld(store)).toMatchObject({ holder: 'b' });
    });

    test('a lease is not taken over by one who watched an earlier holder', async () => {
      const a = await openHolder('a');
      const watcher = await open();
      const { recordVersion } = await readHeld(watcher);
      await a.store.release(a.lease);
      await openHolder('b');
      const result = await watcher.tryAcquire(ask('c', recordVersion));
      expect(result).toMatchObject({ kind: 'held', record: { holder: 'b' } });
      expect(await readHeld(watcher)).toMatchObject({ holder: 'b' });
    });

    test('of two that take over the same silent holder one acquires', async () => {
      await openHolder('a');
      const watchers = [await open(), await open()];
      const { recordVersion } = await readHeld(watchers[0]!);
      const results = await Promise.all(
        watchers.map((store, index) => store.tryAcquire(ask(`watcher-${index}`, recordVersion))),
      );
      expect(results.map(({ kind }) => kind).sort()).toEqual(['acquired', 'held']);
    });

    test('a holder that was taken over can neither renew nor mint nor release', async () => {
      const stale = await openHolder('a');
      const { store, lease } = await takeOver('b');
      await expect(stale.store.renew(stale.lease)).rejects.toMatchObject({ code: 'LS402' });
      await expect(stale.store.mint(stale.lease)).rejects.toMatchObject({ code: 'LS402' });
      await expect(stale.store.mint({ ...stale.lease, token: 0 })).rejects.toMatchObject({ code: 'LS402' });
      expect(await stale.store.release(stale.lease)).toBe('not-held');
      expect(await stale.store.release({ ...stale.lease, token: 0 })).toBe('not-held');
      expect(await readHeld(store)).toMatchObject({ holder: 'b', token: lease.token });
      await store.renew(lease);
    });

    test('a holder whose lease was released by force learns it at its next renewal', async () => {
      const { store, lease } = await openHolder('a');
      await (await open()).forceRelease(TARGET);
      await expect(store.renew(lease)).rejects.toMatchObject({ code: 'LS402' });
      expect(await store.release(lease)).toBe('not-held');
    });

    test('a holder that acquires again still holds, and mints a new token', async () => {
      const { store, lease } = await openHolder('a');
      const again = await acquire(store, 'a');
      expect((await store.mint(again)).token).toBeGreaterThan(lease.token);
    });

    test('of two attempts of one holder the older one is replaced by the newer', async () => {
      const older = await openHolder('a');
      const newer = await openHolder('a');
      expect(newer.lease.token).toBeGreaterThan(older.lease.token);
      await expect(older.store.renew(older.lease)).rejects.toMatchObject({ code: 'LS402' });
      await expect(older.store.mint(older.lease)).rejects.toMatchObject({ code: 'LS402' });
      expect(await older.store.release(older.lease)).toBe('not-held');
      await newer.store.renew(newer.lease);
    });

    test('a force release frees the lease, keeps its token and says who had it', async () => {
      const { lease } = await openHolder('a');
      const operator = await open();
      expect(await operator.forceRelease(TARGET)).toMatchObject({
        state: 'HELD',
        holder: 'a',
        token: lease.token,
      });
      expect(await operator.read(TARGET)).toMatchObject({ state: 'FREE', holder: '', token: lease.token });
    });

    test('a force release of a target that nobody acquired does nothing', async () => {
      const operator = await open();
      expect(await operator.forceRelease(TARGET)).toBeUndefined();
      expect(await operator.read(TARGET)).toBeUndefined();
    });
  });
}

async function acquire(store: LeaseStore, holder: string, takeOver?: string): Promise<Lease> {
  const result = await store.tryAcquire(ask(holder, takeOver));
  if (result.kind === 'held') throw new Error(`${holder} did not acquire: ${result.record.holder} holds`);
  return result.lease;
}

async function readHeld(store: LeaseStore): Promise<LeaseRecord> {
  const record = await store.read(TARGET);
  if (record?.state !== 'HELD') throw new Error('nobody holds the lease');
  return record;
}
