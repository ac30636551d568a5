import { describe, expect, it } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { PostgresLeaseStore } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import type { Clock } from '../../lib/core/clock.ts';
import {
  type EngineEvent,
  migrate,
  readHistory,
  readLastRun,
  readPlan,
  stamp,
} from '../../lib/engine/index.ts';
import {
  type Files,
  failureOf,
  LEFT_BEHIND,
  leaseOf,
  type Site,
  siteForTest,
  sourceOf,
  WAITS_FOR_LOCK,
} from './site.ts';

const IDLE_IN_TRANSACTION =
  "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";

const A = { '0001_a.sql': 'CREATE TABLE a (id int);' };
const B = { '0002_b.sql': 'CREATE TABLE b (id int);', '0002_b.down.sql': 'DROP TABLE b;' };
const C = { '0003_c.sql': 'CREATE TABLE c (id int);', '0003_c.down.sql': 'DROP TABLE c;' };
const ALL = { ...A, ...B, ...C };

const appliedOn = async (site: Site) =>
  (
    await site.rows<{ n: string }>(
      `SELECT written_as || '_' || slug AS n FROM lockstep.applied ORDER BY revision`,
    )
  ).map(({ n }) => n);

/** Fails with it, and touches neither schema nor ledger. */
async function refused(site: Site, work: () => Promise<unknown>) {
  const content = () =>
    site.rows(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
      UNION ALL SELECT revision || '/' || ordinal || kind FROM lockstep.entry ORDER BY 1`);
  const before = await content();
  const error = await failureOf(work());
  expect(await content()).toEqual(before);
  expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  return error;
}

describe('migrate', () => {
  it('refuses an edited file, a gap, and a file that is missing, and does nothing then', async () => {
    const site = await siteForTest();
    await site.up({ ...A, ...C });
    const cases: [Files, string, RegExp][] = [
      [{ ...A, '0003_c.sql': 'CREATE TABLE c (id bigint);' }, 'LS501', /0003_c was edited/],
      [{ ...ALL, '0004_d.sql': 'SELECT 1;' }, 'LS502', /0002_b is not applied, but 0003/],
      [{ ...A, '0004_d.sql': 'SELECT 1;' }, 'LS503', /0003_c is applied, but the bundle lacks it/],
    ];
    for (const [files, code, what] of cases) {
      const error = await refused(site, () => site.up(files));
      expect(error).toMatchObject({ code, what: expect.stringMatching(what) });
    }
  });

  it('reports an edit that changes layout and comments only, and goes on', async () => {
    const site = await siteForTest();
    await site.up(A);
    const edited = { '0001_a.sql': '-- why\r\ncreate table a (\r\n  id int\r\n)' };
    const { applied, plan } = await site.up({ ...edited, ...B });
    expect(applied).toEqual(['0002_b']);
    expect(plan.cosmetic).toMatchObject([{ revision: '0001' }]);
  });

  it('leaves a database that is ahead as it is', async () => {
    const site = await siteForTest();
    await site.up(ALL);
    const { outcome, ran, plan, token } = await site.up(A);
    expect({ outcome, ran, token }).toEqual({ outcome: 'ahead', ran: false, token: null });
    expect(plan.ahead.map((e) => e.revision)).toEqual(['0002', '0003']);
    expect(await appliedOn(site)).toHaveLength(3);
  });

  it('stops after the revision asked for, however that is written', async () => {
    const site = await siteForTest();
    expect((await site.up(ALL, { toRevision: '2' })).applied).toEqual(['0001_a', '0002_b']);
    expect((await site.up(ALL, { toRevision: '000002' })).outcome).toBe('nothing-pending');
    expect((await site.up(ALL, { toRevision: '0003' })).applied).toEqual(['0003_c']);
  });

  it('refuses a revision that there is not', async () => {
    const site = await siteForTest();
    await site.up(A);
    for (const toRevision of ['4', '0', '-1', '2x', '']) {
      expect(await refused(site, () => site.up(ALL, { toRevision }))).toMatchObject({ code: 'LS504' });
    }
  });

  it('finds a file that does not compile before it writes anything, and gives the lease back', async () => {
    for (const leases of ['postgres', new MemoryLeaseStore()] as const) {
      const site = await siteForTest();
      const source = { ...sourceOf(ALL), load: () => Promise.reject(new Error('does not compile')) };
      const context = site.context({ leases });
      await expect(migrate({ ...context, source })).rejects.toThrow('does not compile');
      expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
      expect(await site.rows(LEFT_BEHIND)).toEqual([]);
      if (leases !== 'postgres')
        expect(await leases.read(context.target)).toMatchObject({ state: 'FREE', token: 0 });
    }
  });

  it('interrupted while the files are compiled, leaves no ledger behind: LS605', async () => {
    const site = await siteForTest();
    const files = sourceOf(ALL);
    const interrupting = new AbortController();
    const load: typeof files.load = async (revisions) => {
      // The ledger is made, and nothing runs that could be cancelled.
      await expect.poll(() => site.rows(IDLE_IN_TRANSACTION)).toHaveLength(1);
      interrupting.abort();
      return files.load(revisions);
    };
    const up = migrate({ ...site.context(), source: { ...files, load }, signal: interrupting.signal });
    expect(await failureOf(up)).toMatchObject({ code: 'LS605' });
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('has a file that does not compile found by who waits for long, and by who waits until it may acquire', async () => {
    const site = await siteForTest();
    const store = new PostgresLeaseStore(await site.session(), (ms) => systemClock.sleep(ms));
    const lease = await leaseOf(store, 'host:1:a');
    const source = { ...sourceOf(ALL), load: () => Promise.reject(new Error('does not compile')) };
    const upWith = (clock: Clock, on?: () => void) => migrate({ ...site.context({ clock }), source, on });
    // A minute of it takes a second.
    const fast = { ...systemClock, nowMs: () => 60 * systemClock.nowMs() };
    await expect(upWith(fast)).rejects.toThrow('does not compile');
    let isWaiting = false;
    const up = upWith(systemClock, () => {
      isWaiting = true;
    });
    up.catch(() => undefined);
    await expect.poll(() => isWaiting).toBe(true);
    await store.release(lease);
    await expect(up).rejects.toThrow('does not compile');
  });

  it('loads no file for who only waits until another has applied it', async () => {
    const site = await siteForTest();
    const gate = await site.session();
    await gate.query('SELECT pg_advisory_lock(7)');
    const gated = { '0001_gated.sql': 'SELECT pg_advisory_xact_lock(7); CREATE TABLE a ();' };
    const holding = site.up(gated);
    await site.until(WAITS_FOR_LOCK);
    const source = { ...sourceOf(gated), load: () => Promise.reject(new Error('loaded')) };
    const on = ({ kind }: EngineEvent) =>
      kind === 'waiting' && void gate.query('SELECT pg_advisory_unlock(7)');
    const waited = await migrate({ ...site.context(), source, on });
    expect(waited).toMatchObject({ outcome: 'applied', ran: false });
    await holding;
  });
});

describe('an attempt of a workflow', () => {
  it('refuses a plan that somebody has overtaken, but goes on with what its own run did: LS505', async () => {
    const site = await siteForTest();
    await site.up(A);
    const source = sourceOf(ALL);
    const { lastEntryId: planLastEntryId } = (await readPlan({ ...site.context(), source })).plan;
    await site.attempt(ALL, { runId: 'mine', planLastEntryId, toRevision: '2' });
    const mine = await readLastRun(site.context(), 'mine');
    expect(mine).toMatchObject({ verdict: 'applied', applied: ['0002_b'] });
    const stale = await refused(site, () => site.attempt(ALL, { runId: 'late', planLastEntryId }));
    expect(stale).toMatchObject({ code: 'LS505', name: 'PlanStaleError' });
    expect(await readLastRun(site.context(), 'late')).toBeNull();
  });

  it('refuses the id of a run that has ended with something new to apply: LS102', async () => {
    const site = await siteForTest();
    await site.attempt(A, { runId: 'run' });
    expect(await site.attempt(A, { runId: 'run' })).toMatchObject({ outcome: 'applied', applied: [] });
    const again = await refused(site, () => site.attempt(ALL, { runId: 'run' }));
    expect(again).toMatchObject({ code: 'LS102', context: { run: 'run' } });
  });

  it('may use the id of a run that failed, and its record then says how it ended', async () => {
    const site = await siteForTest();
    const broken = { ...A, '0002_b.sql': 'SELECT nowhere;' };
    await failureOf(site.attempt(broken, { runId: 'run', restorePoint: 'snapshot-1' }));
    const failed = {
      verdict: 'failed',
      applied: ['0001_a'],
      error: expect.stringMatching(/^LS601: 0002_b\.sql/),
    };
    expect(await readLastRun(site.context())).toMatchObject(failed);
    await site.attempt(ALL, { runId: 'run' });
    expect(await readLastRun(site.context())).toMatchObject({
      verdict: 'applied',
      applied: ['0001_a', '0002_b', '0003_c'],
      restorePoint: 'snapshot-1',
      error: null,
    });
  });
});

describe('reverting', () => {
  it('touches nothing when one of the migrations has no down script: LS606', async () => {
    const site = await siteForTest();
    await site.up(ALL);
    const error = await refused(site, () => site.down({ kind: 'to', revision: '0' }));
    expect(error).toMatchObject({ code: 'LS606', context: { migration: '0001_a' } });
    expect((await site.down({ kind: 'to', revision: '1' })).reverted).toEqual(['0003_c', '0002_b']);
    expect(await appliedOn(site)).toEqual(['0001_a']);
  });

  it('takes back just what one run applied, and what is reverted can be applied again', async () => {
    const site = await siteForTest();
    await site.attempt({ ...A, ...B }, { runId: 'first' });
    await site.attempt(ALL, { runId: 'second' });
    expect((await site.down({ kind: 'run', runId: 'second' })).reverted).toEqual(['0003_c']);
    expect((await site.down({ kind: 'run', runId: 'second' })).reverted).toEqual([]);
    expect((await site.up(ALL)).applied).toEqual(['0003_c']);
    const history = await readHistory(site.context());
    expect(history.map((e) => `${e.revision} ${e.ordinal} ${e.kind}`)).toEqual([
      '0001 1 applied',
      '0002 1 applied',
      '0003 1 applied',
      '0003 2 reverted',
      '0003 3 applied',
    ]);
  });

  it('refuses a revision that the ledger does not have', async () => {
    const site = await siteForTest();
    await site.up(A);
    const down = () => site.down({ kind: 'to', revision: '7' });
    expect(await refused(site, down)).toMatchObject({ code: 'LS504' });
  });
});

describe('stamping', () => {
  it('records without running, once, with the down script, and only what is missing', async () => {
    const site = await siteForTest();
    await site.up(A);
    await site.rows('CREATE TABLE b (id int)');
    const options = { ...site.context(), source: sourceOf(ALL), revisions: ['1', '0002'] };
    expect(await stamp(options)).toEqual({ stamped: ['0002_b'] });
    expect(await stamp(options)).toEqual({ stamped: [] });
    expect((await site.up(ALL)).applied).toEqual(['0003_c']);
    expect((await site.down({ kind: 'to', revision: '1' })).reverted).toEqual(['0003_c', '0002_b']);
    expect(await site.rows("SELECT to_regclass('b') AS b")).toEqual([{ b: null }]);
  });
});
