/** Migrate, against a real database and a DynamoDB API. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { executionArn } from './function-runtime.ts';
import { migrateAll, steps } from './steps.ts';

const table = (name: string) => `CREATE TABLE public.${name} (id bigint PRIMARY KEY);`;
const FILES = { '0001_a.sql': table('a'), '0002_b.sql': table('b'), '0003_c.sql': table('c') };

let runtime: DatabaseRuntime;
beforeAll(async () => {
  runtime = await startDatabaseRuntime();
});
beforeEach(async () => {
  await runtime.reset();
  await runtime.deploy(FILES);
});
afterAll(() => runtime.close());

const tables = async () =>
  (
    await runtime.query<{ relname: string }>(
      "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
  ).map((row) => row.relname);
const sessions = () =>
  runtime.query(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'lockstep%' AND application_name <> 'lockstep tests'",
  );

describe('migrating', () => {
  test('applies what is pending and gives the verdict of the run', async () => {
    const { progress, verdict, run, plan } = await migrateAll('run-1');
    expect(progress).toEqual({ outcome: 'applied', calls: 1, appliedCount: 3 });
    expect(verdict).toMatchObject({
      run: 'run-1',
      target: runtime.target(),
      outcome: 'applied',
      signal: 'ROLL_OUT',
      applied: ['0001_a', '0002_b', '0003_c'],
      appliedCount: 3,
      notApplied: [],
      bundleDigest: plan.bundleDigest,
      error: null,
    });
    expect(run.id).toBe('run-1');
    expect(await tables()).toEqual(['a', 'b', 'c']);
    // Each attempt has a token of its own, and holds on to the lease for the next one.
    expect(await runtime.leases.read(runtime.target())).toMatchObject({
      state: 'HELD',
      holder: executionArn('run-1'),
      token: 1,
    });
    expect(await sessions()).toEqual([]);
  });

  test('up to a revision applies no more than that', async () => {
    expect((await migrateAll('run-1', { toRevision: '0002' })).verdict).toMatchObject({
      applied: ['0001_a', '0002_b'],
    });
    expect(await tables()).toEqual(['a', 'b']);
  });

  test('of a phase applies that phase, and is complete with it', async () => {
    const { '0002_b.sql': b, ...others } = FILES;
    await runtime.deploy({ ...others, '0002_b.contract.sql': b });
    const { progress, verdict } = await migrateAll('run-1', { phase: 'expand' });
    expect(progress).toMatchObject({ outcome: 'applied', appliedCount: 2 });
    expect(verdict).toMatchObject({ applied: ['0001_a', '0003_c'], signal: 'ROLL_OUT' });
    await steps.releaseLease('run-1');
    expect((await migrateAll('run-2', { phase: 'contract' })).verdict).toMatchObject({ applied: ['0002_b'] });
    expect(await tables()).toEqual(['a', 'b', 'c']);
  });

  test('does not contract when an instance of an older version has started since the plan', async () => {
    await runtime.deploy({ '0001_a.sql': FILES['0001_a.sql'], '0002_b.contract.sql': FILES['0002_b.sql'] });
    await migrateAll('run-1', { phase: 'expand' });
    await steps.releaseLease('run-1');
    const planned = await steps.plan('run-2');
    await steps.acquireLease('run-2');
    await runtime.query(`INSERT INTO lockstep.instance (id, source, name, head, bundle_digest, every_ms)
      VALUES ('web', 'heartbeat', 'web', '0001', '', 30000)`);
    await expect(steps.migrate(planned)).rejects.toMatchObject({
      name: 'ContractRefusedError',
      code: 'LS510',
    });
    expect(await tables()).toEqual(['a']);
  });

  test('applies what comes too late where the setting allows it', async () => {
    await runtime.deploy({ '0002_b.sql': FILES['0002_b.sql'] });
    await migrateAll('run-1');
    await runtime.deploy(FILES);
    await expect(steps.plan('run-2')).rejects.toMatchObject({ code: 'LS502' });
    runtime.set('outOfOrder', 'allow');
    expect((await migrateAll('run-2')).verdict).toMatchObject({ applied: ['0001_a', '0003_c'] });
  });

  test('called again with the same input does nothing twice and succeeds', async () => {
    const planned = await steps.plan('run-1');
    await steps.acquireLease('run-1');
    await steps.migrate(planned);
    expect(await steps.migrate(planned)).toMatchObject({
      progress: { outcome: 'applied', appliedCount: 3 },
      verdict: { appliedCount: 3 },
    });
  });

  test('without the lease touches nothing', async () => {
    const planned = await steps.plan('run-1');
    await expect(steps.migrate(planned)).rejects.toMatchObject({ name: 'LeaseLostError', code: 'LS402' });
    await steps.acquireLease('run-2');
    await expect(steps.migrate(planned)).rejects.toMatchObject({ name: 'LeaseLostError', code: 'LS402' });
    expect(await tables()).toEqual([]);
  });

  test('with a plan that is stale, because another run migrated since, touches nothing', async () => {
    const planned = await steps.plan('run-1');
    await migrateAll('run-2', { toRevision: '0001' });
    await steps.releaseLease('run-2');
    await steps.acquireLease('run-1');
    await expect(steps.migrate(planned)).rejects.toMatchObject({ name: 'PlanStaleError', code: 'LS505' });
    expect(await tables()).toEqual(['a']);
  });

  test('with other migrations than the plan was made from touches nothing, until there is a plan of them', async () => {
    const planned = await steps.plan('run-1');
    await steps.acquireLease('run-1');
    await runtime.deploy({ ...FILES, '0002_b.sql': table('d') });
    await expect(steps.migrate(planned)).rejects.toMatchObject({ name: 'PlanStaleError', code: 'LS505' });
    expect(await tables()).toEqual([]);
    await steps.migrate(await steps.plan('run-1'));
    expect(await tables()).toEqual(['a', 'c', 'd']);
  });

  test('a migration that fails leaves under the name that the workflow catches, with file and line', async () => {
    await runtime.deploy({ ...FILES, '0003_c.sql': 'SELECT 1;\nSELECT * FROM no_such_table;' });
    await expect(migrateAll('run-1')).rejects.toMatchObject({
      name: 'MigrationFailedError',
      code: 'LS601',
      position: expect.objectContaining({ file: '0003_c.sql', line: 2 }),
    });
    expect(await tables()).toEqual(['a', 'b']);
  });

  test('one that failed while another run waited has failed for that one, too; a run that begins later tries again', async () => {
    await runtime.deploy({ '0001_fails.sql': 'SELECT 1 / 0;' });
    const waiting = await steps.plan('run-2');
    await expect(migrateAll('run-1')).rejects.toMatchObject({ code: 'LS601' });
    await steps.releaseLease('run-1');
    await steps.acquireLease('run-2');
    await expect(steps.migrate(waiting)).rejects.toMatchObject({
      name: 'MigrationFailedError',
      code: 'LS617',
      context: { run: 'run-1' },
    });
    await steps.releaseLease('run-2');
    await expect(migrateAll('run-3')).rejects.toMatchObject({ code: 'LS601' });
  });

  test('one that failed while a person was asked is tried anew: what it failed with may be mended', async () => {
    await runtime.query('CREATE TABLE public.divisor AS SELECT 0 AS n');
    await runtime.deploy({ '0001_a.sql': `${table('a')} SELECT 1 / n FROM public.divisor;` });
    const asked = await steps.plan('run-2');
    await expect(migrateAll('run-1')).rejects.toMatchObject({ code: 'LS601' });
    await steps.releaseLease('run-1');
    await runtime.query('UPDATE public.divisor SET n = 1');
    await steps.acquireLease('run-2');
    const approval = { status: 'approved', planDigest: '', by: 'Ada' } as const;
    expect(await steps.migrate({ ...asked, approval })).toMatchObject({ progress: { outcome: 'applied' } });
  });

  test('stops before its time is up, and goes on in the next call', async () => {
    const slow = (name: string) => `${table(name)} SELECT pg_sleep(1);`;
    await runtime.deploy({ '0001_a.sql': slow('a'), '0002_b.sql': slow('b'), '0003_c.sql': slow('c') });
    let state = await steps.plan('run-1').then(async (planned) => {
      await steps.acquireLease('run-1');
      return steps.migrate(planned, 6_000);
    });
    expect(state).toMatchObject({ progress: { outcome: 'more', calls: 1 }, verdict: null });
    expect(state.progress.appliedCount).toBeGreaterThan(0);
    while (state.progress.outcome === 'more') state = await steps.migrate(state, 6_000);
    expect(state).toMatchObject({
      progress: { outcome: 'applied', appliedCount: 3 },
      verdict: { appliedCount: 3 },
    });
    expect(await tables()).toEqual(['a', 'b', 'c']);
  });

  test('a statement that outlasts the function is cancelled before the function is killed, and its session is gone', async () => {
    await runtime.deploy({ '0001_a.sql': `${table('a')} SELECT pg_sleep(60);` });
    const planned = await steps.plan('run-1');
    await steps.acquireLease('run-1');
    const startedMs = performance.now();
    await expect(steps.migrate(planned, 6_000)).rejects.toMatchObject({
      code: expect.stringMatching(/^LS60[45]$/),
    });
    expect(performance.now() - startedMs).toBeLessThan(6_000);
    await vi.waitUntil(async () => (await sessions()).length === 0);
    expect(await tables()).toEqual([]);
  });
});
