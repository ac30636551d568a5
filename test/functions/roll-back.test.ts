/** Roll back, after runs that failed against a real database. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { metrics } from '../../functions/_runtime/observability.ts';
import { handler as rollBack } from '../../functions/roll-back.ts';
import { Metric } from '../../lib/core/workflow/index.ts';
import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { contextOf, executionArn, runOf } from './function-runtime.ts';
import { migrateAll, steps } from './steps.ts';

const BEFORE = { '0001_a.sql': 'CREATE TABLE public.a (id int);', '0001_a.down.sql': 'DROP TABLE public.a;' };
const RELEASE = {
  ...BEFORE,
  '0002_b.sql': 'CREATE TABLE public.b (id int);',
  '0002_b.down.sql': 'DROP TABLE public.b;',
  '0003_c.sql': 'CREATE TABLE public.c (id int);',
  '0003_c.down.sql': 'DROP TABLE public.c;',
  '0004_d.sql': 'SELECT * FROM no_such_table;',
};

let runtime: DatabaseRuntime;
beforeAll(async () => {
  runtime = await startDatabaseRuntime();
});
beforeEach(async () => {
  await runtime.reset();
  await runtime.deploy(BEFORE);
  await migrateAll('run-before');
  await steps.releaseLease('run-before');
});
afterAll(() => runtime.close());

const tables = async () =>
  (
    await runtime.query<{ relname: string }>(
      "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
  ).map((row) => row.relname);

/** Deploys the files, runs them as `run-1` up to the failure, and gives that. */
async function failingRun(files: Readonly<Record<string, string>> = RELEASE): Promise<unknown> {
  await runtime.deploy(files);
  return migrateAll('run-1').then(
    () => {
      throw new Error('the run was to fail');
    },
    (error: unknown) => error,
  );
}

describe('rolling back a failed run', () => {
  test('reverts what this run had applied, newest first, and nothing of an earlier one', async () => {
    const added = vi.spyOn(metrics, 'addMetric');
    const verdict = await steps.rollBack('run-1', await failingRun());
    expect(await tables()).toEqual(['a']);
    expect(verdict).toMatchObject({
      run: 'run-1',
      outcome: 'failed',
      signal: 'ROLL_BACK',
      applied: [],
      reverted: ['0003_c', '0002_b'],
      notApplied: ['0002_b', '0003_c', '0004_d'],
      error: { name: 'MigrationFailedError', code: 'LS601' },
    });
    expect(verdict.state).toBe(
      'Nothing of this run is applied. 0003_c and 0002_b were applied by this run and reverted again.',
    );
    expect(added).toHaveBeenCalledWith(Metric.runsFailed, 'Count', 1);
    expect(added).toHaveBeenCalledWith(Metric.migrationsReverted, 'Count', 2);
    added.mockRestore();
  });

  test('leaves the lease to the state that releases it, with a newer token', async () => {
    await steps.rollBack('run-1', await failingRun());
    expect(await runtime.leases.read(runtime.target())).toMatchObject({
      state: 'HELD',
      holder: executionArn('run-1'),
      token: 3,
    });
  });

  test('called again finds nothing left to revert and gives the same verdict', async () => {
    const error = await failingRun();
    await steps.rollBack('run-1', error);
    const again = await steps.rollBack('run-1', error);
    expect(again).toMatchObject({ outcome: 'failed', signal: 'ROLL_BACK', applied: [], notAppliedCount: 3 });
    expect(await tables()).toEqual(['a']);
  });

  test('with the policy to take back the code only leaves the schema, and says so', async () => {
    runtime.set('rollBackPolicy', 'code-only');
    const verdict = await steps.rollBack('run-1', await failingRun());
    expect(await tables()).toEqual(['a', 'b', 'c']);
    expect(verdict).toMatchObject({ applied: ['0002_b', '0003_c'], reverted: [], notApplied: ['0004_d'] });
    expect(verdict.state).toBe(
      '0002_b and 0003_c of this run stay applied: the roll-back policy takes back the code only.',
    );
  });

  test('touches nothing when one of them has no down script, and says exactly what stays', async () => {
    const { '0002_b.down.sql': _, ...irreversible } = RELEASE;
    const verdict = await steps.rollBack('run-1', await failingRun(irreversible));
    expect(await tables()).toEqual(['a', 'b', 'c']);
    expect(verdict).toMatchObject({ applied: ['0002_b', '0003_c'], reverted: [] });
    expect(verdict.state).toMatch(
      /^0002_b and 0003_c of this run stay applied: reverting failed \(.*0002_b.*\)\.$/,
    );
  });

  test('of a run that had applied everything, and failed to say so, leaves the schema: somebody may have rolled out', async () => {
    await runtime.deploy({ ...RELEASE, '0004_d.sql': 'SELECT 1;' });
    await migrateAll('run-1');
    const verdict = await steps.rollBack(
      'run-1',
      Object.assign(new Error('no bus'), { name: 'States.TaskFailed' }),
    );
    expect(await tables()).toEqual(['a', 'b', 'c']);
    expect(verdict).toMatchObject({ outcome: 'failed', signal: 'ROLL_BACK', reverted: [], notApplied: [] });
    expect(verdict.state).toContain(
      'stay applied: everything was applied, and roll out may have been signalled',
    );
  });

  test('reports a down script that fails, with what was reverted before it and what stays', async () => {
    const verdict = await steps.rollBack(
      'run-1',
      await failingRun({ ...RELEASE, '0002_b.down.sql': 'DROP TABLE public.no_such_table;' }),
    );
    expect(await tables()).toEqual(['a', 'b']);
    expect(verdict).toMatchObject({ applied: ['0002_b'], reverted: ['0003_c'] });
    expect(verdict.state).toMatch(
      /^0002_b of this run stays applied: reverting failed \(.*\)\. 0003_c was applied by this run and reverted again\.$/,
    );
    expect(verdict.error).toMatchObject({ code: 'LS601', message: expect.stringContaining('0004_d') });
  });

  test('without the lease touches nothing, and says so', async () => {
    const error = await failingRun();
    await steps.releaseLease('run-1');
    const verdict = await steps.rollBack('run-1', error);
    expect(await tables()).toEqual(['a', 'b', 'c']);
    expect(verdict.state).toContain('this run does not hold the lease');
    await steps.acquireLease('run-2');
    expect((await steps.rollBack('run-1', error)).applied).toEqual(['0002_b', '0003_c']);
    expect(await tables()).toEqual(['a', 'b', 'c']);
  });

  test('of a run that had applied nothing changes nothing, whatever the workflow caught', async () => {
    await runtime.deploy(RELEASE);
    const verdict = await steps.rollBack(
      'run-1',
      Object.assign(new Error('Task timed out'), { name: 'Sandbox.Timedout' }),
    );
    expect(verdict).toMatchObject({
      error: { name: 'Sandbox.Timedout', code: 'LS901', message: expect.stringContaining('Task timed out') },
      state: 'Nothing of this run is applied.',
      notApplied: ['0002_b', '0003_c', '0004_d'],
    });
    expect(await tables()).toEqual(['a']);
  });

  test('gives a verdict although the login cannot be read, and claims nothing about the database', async () => {
    const error = await failingRun();
    runtime.set('databaseSecretArn', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:gone');
    const verdict = await steps.rollBack('run-1', error);
    expect(verdict).toMatchObject({ outcome: 'failed', signal: 'ROLL_BACK', applied: [], reverted: [] });
    expect(verdict.state).toContain('is not known');
  });

  test('reverts without the bundle: the down scripts are in the ledger', async () => {
    const error = await failingRun();
    runtime.set('bundlePath', '/nowhere/bundle.json');
    const verdict = await steps.rollBack('run-1', error);
    expect(await tables()).toEqual(['a']);
    expect(verdict).toMatchObject({ reverted: ['0003_c', '0002_b'], bundleDigest: '' });
  });
});

describe('after a roll-out that was unhealthy', () => {
  const { '0004_d.sql': _, ...SOUND } = RELEASE;
  /** Called by an execution of its own, about the run, which has ended. */
  const sendBack = (runs: 'old' | 'new' | 'unknown', policy: 'down' | 'code-only' = 'down', stopError = {}) =>
    rollBack(
      {
        run: runOf('follower'),
        followed: runOf('run-1'),
        rollOut: { deployment: 'd-1', runs, reason: 'the alarm a rang' },
        policy,
        stopError: null,
        ...stopError,
      },
      contextOf(),
    );
  beforeEach(async () => {
    await runtime.deploy(SOUND);
    await migrateAll('run-1');
    await steps.releaseLease('run-1');
    await steps.acquireLease('follower');
  });

  test('reverts what the run had applied, once the old version runs; and again, finds nothing left', async () => {
    for (const _again of [1, 2])
      expect(await sendBack('old')).toMatchObject({
        run: 'run-1',
        signal: 'ROLL_BACK',
        applied: [],
        reverted: ['0003_c', '0002_b'],
        error: { code: 'LS706' },
      });
    expect(await tables()).toEqual(['a']);
    const runs = await runtime.query('SELECT run_id, verdict FROM lockstep.run ORDER BY started_at');
    expect(runs.slice(1)).toEqual([
      { run_id: 'run-1', verdict: 'applied' },
      { run_id: 'follower', verdict: 'reverted' },
    ]);
  });

  test.each([
    ['the new version runs', () => sendBack('new')],
    ['it is not known which one runs', () => sendBack('unknown')],
    ['it could not be stopped', () => sendBack('old', 'down', { stopError: { Error: 'RollOutError' } })],
    ['the schema is to stay', () => sendBack('old', 'code-only')],
  ])('touches nothing when %s, although it holds the lease', async (_why, ask) => {
    expect(await ask()).toMatchObject({ applied: ['0002_b', '0003_c'], reverted: [], signal: 'ROLL_BACK' });
    expect(await tables()).toEqual(['a', 'b', 'c']);
  });

  test('touches nothing without the lease, and says so', async () => {
    await steps.releaseLease('follower');
    expect((await sendBack('old')).state).toMatch(/this run does not hold the lease, and must not touch/);
    expect(await tables()).toEqual(['a', 'b', 'c']);
  });
});
