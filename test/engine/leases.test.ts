import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { connect, PostgresLeaseStore, type Session } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import type { Clock } from '../../lib/core/clock.ts';
import type { AcquireResult } from '../../lib/core/lease/index.ts';
import type { EngineEvent } from '../../lib/engine/index.ts';
import { readHistory } from '../../lib/engine/index.ts';
import { configOf, failureOf, LEFT_BEHIND, leaseOf, type Site, SLEEPING, siteForTest } from './site.ts';

const effect = (n: number): string =>
  `SELECT pg_sleep(0.1); INSERT INTO effects VALUES (${n}, transaction_timestamp(), clock_timestamp());`;
/** Each leaves a row with the time of its beginning and its end: doubles and overlaps show. */
const EFFECTS = {
  '0001_effects.sql': 'CREATE TABLE effects (n int, began timestamptz, ended timestamptz);',
  ...Object.fromEntries([2, 3, 4, 5].map((n) => [`000${n}_effect.sql`, effect(n)])),
};
const SLOW = {
  '0001_before.sql': 'CREATE TABLE before ();',
  '0002_slow.sql': 'SELECT pg_sleep(60); CREATE TABLE slow ();',
};

async function expectEffectsOnce(site: Site): Promise<void> {
  expect(await site.rows('SELECT n FROM effects ORDER BY began')).toEqual([2, 3, 4, 5].map((n) => ({ n })));
  const overlaps = `SELECT FROM effects a JOIN effects b ON a.n < b.n AND a.ended > b.began`;
  expect(await site.rows(overlaps)).toEqual([]);
  expect(await site.rows(LEFT_BEHIND)).toEqual([]);
}

/** Ends the session that runs a migration; one that was ended before may still be seen for a moment. */
async function endMigration(site: Site, ended: readonly number[] = []): Promise<number> {
  const others = `SELECT pid FROM (${SLEEPING}) s WHERE pid <> ALL ('{${ended}}')`;
  await site.until(others);
  const [row] = await site.rows<{ pid: number }>(`SELECT pid, pg_terminate_backend(pid) FROM (${others}) o`);
  return row!.pid;
}

function acquired(result: AcquireResult) {
  if (result.kind === 'held') throw new Error(`${result.record.holder} has it`);
  return result;
}

const tablesOf = (site: Site) =>
  site.rows(`SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`);

describe('runs under two lease stores on one database', () => {
  it('never overlap, apply everything once, and their tokens only grow', async () => {
    const site = await siteForTest();
    const leases = new MemoryLeaseStore();
    await site.up({ '0001_effects.sql': EFFECTS['0001_effects.sql'] }, { leases });
    await site.rows('UPDATE lockstep.fence SET token = 41');
    await Promise.all(Array.from({ length: 6 }, (_, i) => site.up(EFFECTS, i % 2 === 0 ? { leases } : {})));
    await expectEffectsOnce(site);
    const history = await readHistory(site.context());
    const tokens = history.map(({ token }) => token);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(tokens.at(1)).toBeGreaterThan(41);
  });
});

describe('a lease store whose tokens are behind those of the database', () => {
  it('mints one above them, at the first try', async () => {
    const site = await siteForTest();
    const leases = new MemoryLeaseStore();
    const effects = { '0001_effects.sql': EFFECTS['0001_effects.sql'] };
    await site.up(effects, { leases });
    await site.rows('UPDATE lockstep.fence SET token = 41');
    const repeated: EngineEvent[] = [];
    const on = (event: EngineEvent) => event.kind === 'attempt-repeated' && repeated.push(event);
    expect(await site.up(EFFECTS, { leases, on })).toMatchObject({ token: 42 });
    expect(repeated).toEqual([]);
    expect(await leases.read('orders')).toMatchObject({ token: 42 });
  });
});

describe('a session that is ended in the middle of a migration', () => {
  it.each(['postgres', 'memory'])(
    'lets the attempt be repeated, and all is applied once (%s)',
    async (kind) => {
      const site = await siteForTest();
      const events: EngineEvent[] = [];
      const leases = kind === 'postgres' ? kind : new MemoryLeaseStore();
      // It stands still until it is ended, and only then.
      await site.rows('CREATE TABLE gate ()');
      const gated = `SELECT pg_sleep(60) WHERE to_regclass('public.gate') IS NOT NULL; ${effect(2)}`;
      const up = site.up({ ...EFFECTS, '0002_effect.sql': gated }, { leases, on: (e) => events.push(e) });
      await site.until(SLEEPING);
      await site.rows('DROP TABLE gate');
      await endMigration(site);
      const { applied, token } = await up;
      expect(applied).toHaveLength(5);
      await expectEffectsOnce(site);
      expect(token).toBe(2);
      expect(events).toContainEqual({
        kind: 'attempt-repeated',
        error: expect.objectContaining({ code: 'LS301' }),
      });
    },
  );

  it('is reported after so many of them that a person has to look', async () => {
    const site = await siteForTest();
    // Pauses between attempts of next to nothing.
    const clock = { ...systemClock, random: () => -0.49 };
    const up = failureOf(site.up(SLOW, { clock }));
    const ended: number[] = [];
    for (let i = 0; i < 5; i++) ended.push(await endMigration(site, ended));
    expect(await up).toMatchObject({ code: 'LS301' });
    expect(await tablesOf(site)).toEqual([{ tablename: 'before' }]);
  });
});

describe('who waits', () => {
  it('gets a new session when the one that it waits with is ended, and goes on waiting', async () => {
    const site = await siteForTest();
    const holder = await site.session();
    const store = new PostgresLeaseStore(holder, (ms) => systemClock.sleep(ms));
    const lease = await store.mint(await leaseOf(store, 'host:1:a'));
    const events: string[] = [];
    const up = site.up(EFFECTS, { on: ({ kind }) => events.push(kind) });
    await expect.poll(() => events.includes('waiting')).toBe(true);
    await site.rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'lockstep %' AND pid <> ${holder.facts.pid}
        AND application_name <> 'lockstep tests'`);
    await expect.poll(() => events.includes('attempt-repeated'), { timeout: 5_000 }).toBe(true);
    await store.release(lease);
    expect((await up).applied).toHaveLength(5);
  });

  it('does not take a lease from a holder that is idle for less than its duration', async () => {
    const site = await siteForTest();
    const store = new PostgresLeaseStore(await site.session(), (ms) => systemClock.sleep(ms));
    const lease = await store.mint(await leaseOf(store, 'host:1:idle', 60_000));
    const error = await failureOf(site.up(EFFECTS, { leaseWaitMs: 1_500 }));
    expect(error).toMatchObject({ code: 'LS401', context: { heldBy: 'host:1:idle' } });
    await expect(store.renew(lease)).resolves.toBeUndefined();
  });

  it('takes it over from one that is idle for longer', async () => {
    const site = await siteForTest();
    const store = new PostgresLeaseStore(await site.session(), (ms) => systemClock.sleep(ms));
    const lease = await store.mint(await leaseOf(store, 'host:1:gone', 500));
    const { tookOverFrom, token } = await site.up(EFFECTS);
    expect({ tookOverFrom, token }).toEqual({ tookOverFrom: 'host:1:gone', token: lease.token + 1 });
    expect(await failureOf(store.renew(lease))).toMatchObject({ code: 'LS402' });
  });

  it('ends an earlier session of its own at once, also one that has not entered yet', async () => {
    const site = await siteForTest();
    const storeOn = async () => new PostgresLeaseStore(await site.session(), (ms) => systemClock.sleep(ms));
    const holder = 'a-host-with-a-long-name:12345:0b7c5a1e-2f51-4d0e-9c0a-0d8f3f1c2b3a';
    await leaseOf(await storeOn(), holder);
    const later = await storeOn();
    const { lease, ...more } = await later
      .tryAcquire({ target: 'orders', holder, durationMs: 10_000 })
      .then(acquired);
    expect(more).toEqual({ kind: 'acquired' });
    expect((await later.mint(lease)).token).toBe(1);
  });

  it('asks the server little as long as the holder is the same, and sees another one at once', async () => {
    const site = await siteForTest();
    const storeOn = (session: Session) => new PostgresLeaseStore(session, (ms) => systemClock.sleep(ms));
    const [a, b, watching] = [await site.session(), await site.session(), await site.session()];
    const own = storeOn(a);
    const first = await own.mint(await leaseOf(own, 'host:1:a'));
    // To a session the lock that it holds itself is free.
    for (const _ of [1, 2]) expect(await own.read('orders')).toMatchObject({ state: 'HELD' });
    const watcher = storeOn(watching);
    const run = vi.spyOn(watching, 'run');
    const looks = () => run.mock.calls.filter(([sql]) => sql.includes('pg_stat_get_activity')).length;
    for (let read = 1; read <= 10; read += 1)
      expect(await watcher.read('orders')).toMatchObject({ state: 'HELD', holder: 'host:1:a' });
    expect(looks()).toBe(4);
    await storeOn(a).release(first);
    expect(await watcher.read('orders')).toMatchObject({ state: 'FREE' });
    const again = storeOn(a);
    const second = await again.mint(await leaseOf(again, 'host:1:a'));
    await watcher.read('orders');
    await again.release(second);
    const other = storeOn(b);
    await other.mint(await leaseOf(other, 'host:1:b'));
    expect(await watcher.read('orders')).toMatchObject({ state: 'HELD', holder: 'host:1:b' });
  });

  it('takes a holder of another role, of which it sees no more than the pid, for one that works', async () => {
    const site = await siteForTest();
    const [worker, watcher] = [`worker_${site.name}`, `watcher_${site.name}`];
    await site.rows(`CREATE ROLE ${worker} LOGIN PASSWORD 'word'; CREATE ROLE ${watcher} LOGIN PASSWORD 'word';
      CREATE SCHEMA lockstep AUTHORIZATION ${worker}; GRANT USAGE ON SCHEMA lockstep TO ${watcher};
      ALTER DEFAULT PRIVILEGES FOR ROLE ${worker} GRANT SELECT ON TABLES TO ${watcher}`);
    onTestFinished(async () => {
      for (const role of [watcher, worker])
        await site.rows(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    });
    const storeAs = async (username: string) => {
      const config = configOf(Object.assign(new URL(site.url), { username, password: 'word' }).href);
      const session = await connect({ config, clock: systemClock, applicationName: 'lockstep test' });
      onTestFinished(() => session.end());
      return new PostgresLeaseStore(session, (ms) => systemClock.sleep(ms));
    };
    const holding = await storeAs(worker);
    await holding.mint(await leaseOf(holding, 'host:1:a'));
    const [store, other] = [await storeAs(watcher), await storeAs(watcher)];
    const [first, second] = [await store.read('orders'), await other.read('orders')];
    expect(first).toMatchObject({ state: 'HELD' });
    expect(second?.recordVersion).not.toBe(first?.recordVersion);
    expect(await failureOf(store.forceRelease('orders'))).toMatchObject({ code: 'LS306' });
    await site.rows(`GRANT pg_signal_backend TO ${watcher}`);
    await store.forceRelease('orders');
    expect(await store.read('orders')).toMatchObject({ state: 'FREE' });
  });
});

describe('the word of a release', () => {
  /** Who waits by it never looks by itself: what sleeps for long goes on only when it is told to. */
  const sleepsForEver: Clock = {
    ...systemClock,
    sleep: async (ms, signal) =>
      ms <= 100
        ? systemClock.sleep(ms, signal)
        : new Promise((_, reject) => {
            if (signal?.aborted) reject(signal.reason);
            signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
          }),
  };
  const WAITERS = 5;

  /** A lease that is held, and those who wait for it by the word alone. */
  async function waitingFor(files: Record<string, string>) {
    const site = await siteForTest();
    const holder = await site.session();
    const store = new PostgresLeaseStore(holder, (ms) => systemClock.sleep(ms));
    const lease = await store.mint(await leaseOf(store, 'host:1:a'));
    const waiting: string[] = [];
    const ups = Array.from({ length: WAITERS }, (_, i) =>
      site.up(files, { clock: sleepsForEver, on: ({ kind }) => kind === 'waiting' && waiting.push(`${i}`) }),
    );
    await expect.poll(() => new Set(waiting).size).toBe(WAITERS);
    const release = async () => {
      await store.release(lease);
      await holder.end();
    };
    return { site, ups, holder, release };
  }

  it('wakes those who wait; one migrates, and wakes the others', async () => {
    const { site, ups, release } = await waitingFor(EFFECTS);
    await release();
    const applied = (await Promise.all(ups)).map((up) => up.applied.length);
    expect(applied.toSorted()).toEqual([0, 0, 0, 0, 5]);
    await expectEffectsOnce(site);
  });

  it('changes nothing without a release: who has the lease keeps it', async () => {
    const { site, ups, holder, release } = await waitingFor(EFFECTS);
    const looks = () =>
      site.rows(`SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND query LIKE '%AS free, token%' AND state = 'idle'`);
    await site.rows('NOTIFY lockstep_lock_released');
    await expect.poll(async () => (await looks()).length).toBe(WAITERS);
    expect(await new PostgresLeaseStore(holder, async () => undefined).read('orders')).toMatchObject({
      state: 'HELD',
      holder: 'host:1:a',
    });
    await release();
    await Promise.all(ups);
  });

  it('is not listened for by who has the lease, whose transactions would hold up what the server has to tell', async () => {
    const heard = 'CREATE TABLE heard AS SELECT pg_listening_channels() AS channel;';
    const { site, ups, release } = await waitingFor({ '0001_heard.sql': heard });
    await release();
    await Promise.all(ups);
    expect(await site.rows('SELECT channel FROM heard')).toEqual([]);
  });
});

describe('an attempt whose lease is lost', () => {
  it('has its SQL cancelled, and commits nothing any more: LS402', async () => {
    const site = await siteForTest();
    const leases = new MemoryLeaseStore();
    const lease = await leaseOf(leases, 'host:1:slow', 900);
    const slow = failureOf(site.attempt(SLOW, { leases, lease }));
    await site.until(SLEEPING);
    await leases.forceRelease('orders');
    await leaseOf(leases, 'host:1:other');
    expect(await slow).toMatchObject({ code: 'LS402', what: expect.stringContaining('host:1:other') });
    expect(await site.rows(SLEEPING)).toEqual([]);
    expect(await tablesOf(site)).toEqual([{ tablename: 'before' }]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
    expect(await site.rows('SELECT verdict FROM lockstep.run')).toEqual([{ verdict: 'running' }]);
  });

  it('is ended by an attempt with a newer token, which waits for nobody', async () => {
    const site = await siteForTest();
    const leases = new MemoryLeaseStore();
    const lease = await leaseOf(leases, 'host:1:same');
    const older = failureOf(site.attempt(SLOW, { leases, lease, runId: 'run' }));
    await site.until(SLEEPING);
    const events: EngineEvent[] = [];
    const newer = await site.attempt(
      { '0001_before.sql': SLOW['0001_before.sql'], '0002_slow.sql': 'CREATE TABLE slow ();' },
      { leases, lease, runId: 'run', on: (event) => events.push(event) },
    );
    expect(newer).toMatchObject({ applied: ['0002_slow'], token: 2 });
    expect(events).toContainEqual({ kind: 'session-ended', pid: expect.any(Number), token: 1 });
    expect(await older).toMatchObject({ code: expect.stringMatching(/^LS(301|402)$/) });
    expect(
      await failureOf(site.attempt(EFFECTS, { leases, lease: { ...lease, token: 1 }, runId: 'run' })),
    ).toMatchObject({ code: 'LS402' });
  });
});
