import { describe, expect, it } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { LEDGER_LOCK } from '../../lib/adapters/postgres/advisory-lock.ts';
import { attemptName, tokenOf } from '../../lib/adapters/postgres/index.ts';
import {
  endRunSessions,
  forceReleaseLock,
  readLastRun,
  readStatus,
  waitUntilApplied,
} from '../../lib/engine/index.ts';
import { failureOf, LEFT_BEHIND, leaseOf, type Site, SLEEPING, siteForTest, sourceOf } from './site.ts';

const SLOW = {
  '0001_before.sql': 'CREATE TABLE before ();',
  '0002_slow.sql': 'CREATE TABLE slow (); SELECT pg_sleep(60);',
};

describe('releasing the lock by force', () => {
  it('ends the session that has it, frees the lease, and records who did so', async () => {
    const site = await siteForTest();
    const leases = new MemoryLeaseStore();
    const lease = await leaseOf(leases, 'host:1:stuck');
    const stuck = failureOf(site.attempt(SLOW, { leases, lease, runId: 'run' }));
    await site.until(SLEEPING);
    const status = await readStatus(site.context({ leases }));
    expect(status).toMatchObject({
      lock: { applicationName: 'lockstep #1 run', state: 'active' },
      lease: { state: 'HELD', holder: 'host:1:stuck', token: 1 },
      lastRun: { verdict: 'running', applied: ['0001_before'] },
    });
    const released = await forceReleaseLock(site.context({ leases, holder: 'ann@desk' }));
    expect(released).toMatchObject({ lease: { holder: 'host:1:stuck' }, endedSession: status.lock?.pid });
    expect(await stuck).toMatchObject({ code: 'LS301' });
    expect(await leases.read('orders')).toMatchObject({ state: 'FREE', token: 1 });
    const failed = { verdict: 'failed', error: 'its lease was released by force, by ann@desk' };
    expect(await readLastRun(site.context())).toMatchObject(failed);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('records it in the ledger also when no run was under way, and shows the last one', async () => {
    const site = await siteForTest();
    await site.up({ '0001_before.sql': 'CREATE TABLE before ();' });
    expect((await readStatus(site.context())).lastForcedRelease).toBeNull();
    for (const name of ['psql', 'another']) {
      const session = await site.session(name);
      await session.query(`SELECT pg_catalog.pg_advisory_lock(${LEDGER_LOCK})`);
      const released = await forceReleaseLock(site.context({ holder: `ann, of ${name}` }));
      expect(released).toMatchObject({ endedSession: session.facts.pid, recorded: true });
      expect((await readStatus(site.context())).lastForcedRelease).toEqual({
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        login: session.facts.user,
        releasedBy: `ann, of ${name}`,
        freedFrom: name,
        token: 1,
        endedSession: { pid: session.facts.pid, applicationName: name },
      });
    }
    expect(await forceReleaseLock(site.context())).toMatchObject({ endedSession: null, recorded: false });
    expect(await site.rows('SELECT FROM lockstep.forced_release')).toHaveLength(2);
  });

  it('changes nothing where nobody has it', async () => {
    const site = await siteForTest();
    for (const leases of ['postgres', new MemoryLeaseStore()] as const) {
      const released = await forceReleaseLock(site.context({ leases }));
      expect(released).toEqual({ lease: undefined, endedSession: null, recorded: false });
    }
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
  });
});

describe('ending what a stopped run left', () => {
  const ALIKE = 'arn:aws:states:eu-central-1:123456789012:execution:orders';
  it.each([
    ['with the same beginning', `${ALIKE}:one`, `${ALIKE}:two`],
    ['with blanks', 'run 1', 'run 2'],
    ['that differ in a blank', 'run 1', 'run_1'],
    ['beyond ASCII', 'läuf-ž', 'läuf-ý'],
    ['of which one is a part of the other', 'run', 'run2'],
  ])('ends that run only, of two names %s', async (_, runId, otherId) => {
    const site = await siteForTest();
    const other = await site.session(attemptName(7, otherId));
    const onlooker = await site.session(`lockstep ${runId}`);
    const left = failureOf(site.attempt(SLOW, { runId }));
    await site.until(SLEEPING);
    expect(await endRunSessions(site.context(), runId)).toBe(1);
    expect(await left).toMatchObject({ code: 'LS301' });
    expect(await endRunSessions(site.context(), runId)).toBe(0);
    for (const session of [other, onlooker]) await session.query('SELECT 1');
    expect(await readLastRun(site.context(), runId)).toMatchObject({
      verdict: 'failed',
      error: 'it was stopped from outside',
    });
  });

  it('names sessions so that PostgreSQL cuts nothing off, and the token can be read', () => {
    for (const runId of ['r', 'x'.repeat(300), '漢'.repeat(40)]) {
      const name = attemptName(Number.MAX_SAFE_INTEGER, runId);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
      expect(tokenOf(name)).toBe(Number.MAX_SAFE_INTEGER);
    }
    expect(['lockstep look', 'lockstep host:1:a', 'psql', 'x lockstep #1 r'].map(tokenOf)).toEqual(
      Array(4).fill(undefined),
    );
  });
});

describe('waiting for the schema', () => {
  const wait = (site: Site, options = {}) =>
    waitUntilApplied({ ...site.context(), source: sourceOf(SLOW), timeoutMs: 10_000, ...options });

  it('holds no connection and no lock between its looks, and ends when others are done', async () => {
    const site = await siteForTest();
    const files = { ...SLOW, '0002_slow.sql': 'CREATE TABLE slow ();' };
    let looks = 0;
    const waiting = wait(site, { source: sourceOf(files), on: () => ++looks });
    await expect.poll(() => looks).toBeGreaterThan(1);
    await expect.poll(() => site.rows(LEFT_BEHIND)).toEqual([]);
    await site.up(files);
    expect((await waiting).plan.outcome).toBe('nothing-pending');
  });

  it('says what it waited for when its time is over', async () => {
    const site = await siteForTest();
    const error = await failureOf(wait(site, { timeoutMs: 700 }));
    expect(error).toMatchObject({ code: 'LS405', context: { pending: 2 } });
    expect(error.what).toMatch(/^2 migrations are still pending after 1 s, the first is 0001_before\.$/);
  });

  it('does not wait for what waiting cannot mend', async () => {
    const site = await siteForTest();
    await site.up({ '0001_before.sql': 'CREATE TABLE other ();' });
    expect(await failureOf(wait(site))).toMatchObject({ code: 'LS501' });
    const database = { ...site.database, password: 'wrong' };
    expect(await failureOf(wait(site, { database }))).toMatchObject({ code: 'LS302' });
  });
});
