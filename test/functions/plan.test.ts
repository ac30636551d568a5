/** Plan, against a real database. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { metrics } from '../../functions/_runtime/observability.ts';
import type { GivenRehearsal } from '../../lib/core/rehearsal/gate.ts';
import { Metric } from '../../lib/core/workflow/index.ts';
import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { executionArn } from './function-runtime.ts';
import { migrateAll, steps } from './steps.ts';

const FILES = {
  '0001_users.sql': 'CREATE TABLE public.users (id bigint PRIMARY KEY);',
  '0002_drop_old.contract.sql': 'CREATE TABLE public.old (id int); DROP TABLE public.old;',
};

let runtime: DatabaseRuntime;
beforeAll(async () => {
  runtime = await startDatabaseRuntime();
});
beforeEach(async () => {
  await runtime.reset();
  await runtime.deploy(FILES);
});
afterAll(() => runtime.close());

const schemas = async () =>
  (
    await runtime.query<{ nspname: string }>(
      "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1",
    )
  ).map((r) => r.nspname);

describe('planning', () => {
  test('lists what is pending with its hazards, and writes nothing', async () => {
    const state = await steps.plan('run-1', { reason: 'release 12' });
    expect(state).toMatchObject({
      run: { id: 'run-1', execution: executionArn('run-1') },
      outcome: 'pending',
      plan: {
        pending: ['0001_users', '0002_drop_old'],
        pendingCount: 2,
        appliedCount: 0,
        toRevision: null,
        lastEntryId: '0',
      },
      restorePoint: { status: 'none', id: null },
      lease: { acquired: false },
      progress: { outcome: 'not-started', calls: 0 },
      verdict: null,
    });
    expect(state.plan.hazards).toContainEqual(
      expect.objectContaining({ migration: '0002_drop_old', class: 'destructive' }),
    );
    expect(await schemas()).toEqual(['information_schema', 'public']);
    expect(await runtime.leases.read(runtime.target())).toBeUndefined();
  });

  test('asks for a restore point where the database has them', async () => {
    runtime.set('restorePointKind', 'rds-cluster');
    expect((await steps.plan('run-1')).restorePoint).toEqual({
      status: 'requested',
      id: null,
      waitSeconds: 0,
      waitedSeconds: 0,
    });
  });

  test('asks for an approval where the policy says so, and only for what would be done', async () => {
    runtime.set('approval', '{"when":"destructive","timeoutSeconds":3600}');
    expect(await steps.plan('run-1')).toMatchObject({
      approval: {
        status: 'needed',
        by: null,
        request: { before: expect.stringContaining('0002_drop_old, line 1: DROP TABLE') },
      },
    });
    const expand = await steps.plan('run-1', { phase: 'expand' });
    expect(expand.approval).toEqual({ status: 'not-needed', planDigest: expect.any(String), by: null });
    runtime.set('approval', '');
    expect(await steps.plan('run-1')).not.toHaveProperty('approval');
  });

  describe('with a rehearsal', () => {
    const EXCESS = { kind: 'duration', durationMs: 3000, limitMs: 2000 } as const;
    const rehearsal = async (more: Partial<GivenRehearsal> = {}): Promise<GivenRehearsal> => ({
      bundleDigest: (await steps.plan('run-0')).plan.bundleDigest,
      ledgerHead: 'none',
      verdict: 'within-budget',
      excesses: [],
      error: null,
      steps: [{ migration: '0001_users' }, { migration: '0002_drop_old' }],
      ...more,
    });

    test('stops at one that is over its budget, unless a person is asked, who is told', async () => {
      const over = await rehearsal({ verdict: 'over-budget', excesses: [EXCESS] });
      const plan = () => steps.plan('run-1', { rehearsal: over });
      await expect(plan()).rejects.toMatchObject({ name: 'RehearsalError', code: 'LS743' });
      runtime.set('approval', '{"when":"destructive","timeoutSeconds":3600}');
      await expect(plan()).rejects.toMatchObject({ code: 'LS743' });
      runtime.set('approval', '{"when":"over-budget","timeoutSeconds":3600}');
      const { approval } = await plan();
      expect(approval).toMatchObject({ status: 'needed' });
      expect(approval?.request?.before).toContain('  it takes 3.0 s, longer than 2.0 s\n');
      runtime.set('approval', '');
      expect((await steps.plan('run-1', { rehearsal: over, dryRun: true })).outcome).toBe('dry-run');
    });

    test('of another state of the ledger it says nothing; what this run has applied is no other state', async () => {
      const over = await rehearsal({ verdict: 'over-budget', excesses: [EXCESS] });
      await migrateAll('run-1', { toRevision: '1' });
      expect((await steps.plan('run-2', { rehearsal: over })).outcome).toBe('pending');
      await expect(steps.plan('run-1', { rehearsal: over })).rejects.toMatchObject({ code: 'LS743' });
    });

    test('where it is required, a plan without one is refused, but nothing pending is not', async () => {
      runtime.set('rehearsal', 'required');
      await expect(steps.plan('run-1')).rejects.toMatchObject({ name: 'RehearsalError', code: 'LS745' });
      runtime.set('rehearsal', '');
      const given = await rehearsal();
      await migrateAll('run-1');
      runtime.set('rehearsal', 'required');
      expect((await steps.plan('run-2')).outcome).toBe('nothing-pending');
      expect((await steps.plan('run-2', { rehearsal: given })).outcome).toBe('nothing-pending');
      runtime.set('rehearsal', '');
    });
  });

  test('up to a revision leaves the later ones out', async () => {
    expect((await steps.plan('run-1', { toRevision: '1' })).plan).toMatchObject({
      pending: ['0001_users'],
      toRevision: '1',
    });
  });

  test('of a phase leaves the others out, and is refused where that would be out of order', async () => {
    expect((await steps.plan('run-1', { phase: 'expand' })).plan).toMatchObject({
      pending: ['0001_users'],
      phase: 'expand',
    });
    const contract = steps.plan('run-1', { phase: 'contract' });
    await expect(contract).rejects.toMatchObject({ name: 'DriftError', code: 'LS511' });
    await expect(steps.plan('run-1', { phase: 'backfill' as never })).rejects.toMatchObject({
      code: 'LS102',
    });
  });

  test('that would contract under a live instance of an older version is refused, unless it is forced', async () => {
    await migrateAll('run-1', { phase: 'expand' });
    await runtime.query(`INSERT INTO lockstep.instance (id, source, name, head, bundle_digest, every_ms)
      VALUES ('blue', 'deployer', 'blue', '0001', '', 0)`);
    for (const request of [{ phase: 'contract' }, { dryRun: true }, {}] as const) {
      await expect(steps.plan('run-2', request)).rejects.toMatchObject({
        name: 'ContractRefusedError',
        code: 'LS510',
        what: expect.stringContaining('blue (head 0001'),
      });
    }
    await steps.releaseLease('run-1');
    const { verdict } = await migrateAll('run-2', { phase: 'contract', forceContract: true });
    expect(verdict).toMatchObject({ outcome: 'applied', applied: ['0002_drop_old'] });
    expect(await runtime.query("SELECT forced FROM lockstep.run WHERE run_id = 'run-2'")).toEqual([
      { forced: "blue (head 0001, by the deployer's word)" },
    ]);
  });

  test('a dry run ends with a verdict that signals nothing, whether something is pending or not', async () => {
    const dry = await steps.plan('run-1', { dryRun: true });
    expect(dry).toMatchObject({
      outcome: 'dry-run',
      verdict: { outcome: 'dry-run', signal: 'NONE', notApplied: ['0001_users', '0002_drop_old'] },
    });
    await migrateAll('run-2');
    expect(await steps.plan('run-3', { dryRun: true })).toMatchObject({
      outcome: 'dry-run',
      verdict: { signal: 'NONE', notAppliedCount: 0 },
    });
  });

  test('with nothing pending says roll out at once, and counts nothing pending', async () => {
    await migrateAll('run-1');
    const added = vi.spyOn(metrics, 'addMetric');
    expect(await steps.plan('run-2')).toMatchObject({
      outcome: 'nothing-pending',
      verdict: {
        run: 'run-2',
        target: runtime.target(),
        outcome: 'nothing-pending',
        signal: 'ROLL_OUT',
        applied: [],
        restorePoint: null,
      },
    });
    expect(added.mock.calls).toEqual([
      [Metric.migrationsPending, 'Count', 0],
      [Metric.plansWithNothingToDo, 'Count', 1],
    ]);
    added.mockRestore();
  });

  test('a run whose migrations are all applied, because it plans anew, reports them as its own', async () => {
    await migrateAll('run-1');
    expect((await steps.plan('run-1')).verdict).toMatchObject({
      applied: ['0001_users', '0002_drop_old'],
      signal: 'ROLL_OUT',
    });
  });

  test('a database that is ahead of the bundle is rolled out to, and nothing is taken back', async () => {
    await migrateAll('run-1');
    await runtime.deploy({ '0001_users.sql': FILES['0001_users.sql'] });
    expect(await steps.plan('run-2')).toMatchObject({
      outcome: 'ahead',
      verdict: { outcome: 'ahead', signal: 'ROLL_OUT', applied: [] },
    });
  });

  test('an applied file that was edited is refused under the name that the workflow catches', async () => {
    await migrateAll('run-1');
    await runtime.deploy({ ...FILES, '0001_users.sql': 'CREATE TABLE public.users (id int PRIMARY KEY);' });
    await expect(steps.plan('run-2')).rejects.toMatchObject({ name: 'DriftError', code: 'LS501' });
  });

  test('a bundle that was changed after it was made is refused', async () => {
    runtime.set('bundlePath', '/nowhere/bundle.json');
    await expect(steps.plan('run-1')).rejects.toMatchObject({ name: 'BundleError', code: 'LS209' });
  });

  test('the login is in nothing that it returns', async () => {
    expect(JSON.stringify(await steps.plan('run-1'))).not.toContain(runtime.password);
  });
});
