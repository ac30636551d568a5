/** Clean up, after executions that ran no Catch. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { EventBridgeSignal } from '../../lib/adapters/eventbridge/index.ts';
import { type Verdict, verdictSchema } from '../../lib/core/rollout/index.ts';
import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { executionArn } from './function-runtime.ts';
import { migrateAll, steps } from './steps.ts';

const FILES = {
  '0001_a.sql': 'CREATE TABLE public.a (id int);',
  '0002_slow.sql': 'CREATE TABLE public.slow (id int); SELECT pg_sleep(30);',
};
const NOTHING = { endedSessions: 0, released: false, signalled: false };

let runtime: DatabaseRuntime;
beforeAll(async () => {
  runtime = await startDatabaseRuntime();
});
beforeEach(async () => {
  await runtime.reset();
  await runtime.deploy(FILES);
});
afterAll(() => runtime.close());

const signals = (): Verdict[] => runtime.bus.events.map((event) => verdictSchema.parse(event.detail));
const lease = () => runtime.leases.read(runtime.target());

/** A run that is stopped while its second migration runs; `attempt` is the invocation that still runs. */
async function stoppedRun(name: string): Promise<{ attempt: Promise<unknown> }> {
  const planned = await steps.plan(name);
  await steps.acquireLease(name);
  const attempt = steps.migrate(planned).catch((error: unknown) => error);
  await vi.waitUntil(
    async () =>
      (
        await runtime.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()",
        )
      ).length > 0,
    { timeout: 10_000 },
  );
  runtime.setExecution(name, 'ABORTED');
  return { attempt };
}

describe('cleaning up after a run that was stopped', () => {
  test('ends its sessions, releases its lease and signals roll back with what stays', async () => {
    const { attempt } = await stoppedRun('run-1');
    expect(await steps.cleanUp('run-1', 'ABORTED')).toEqual({
      endedSessions: 1,
      released: true,
      signalled: true,
    });
    expect(await attempt).toBeInstanceOf(Error);
    expect(await lease()).toMatchObject({ state: 'FREE', token: 1 });
    expect(signals()).toEqual([
      expect.objectContaining({
        run: 'run-1',
        outcome: 'failed',
        signal: 'ROLL_BACK',
        applied: ['0001_a'],
        notApplied: ['0002_slow'],
        error: expect.objectContaining({ name: 'InterruptedError', code: 'LS605' }),
      }),
    ]);
    expect(signals()[0]?.state).toContain('0001_a of this run stays applied: a run that was stopped');
    expect(await runtime.query("SELECT to_regclass('public.slow') AS slow")).toEqual([{ slow: null }]);
  });

  test('may be called again, and late: when another run has the lease, that run is left alone', async () => {
    const { attempt } = await stoppedRun('run-1');
    await steps.cleanUp('run-1', 'ABORTED');
    await attempt;
    const { attempt: second } = await stoppedRun('run-2');
    runtime.setExecution('run-2', 'RUNNING');
    expect(await steps.cleanUp('run-1', 'ABORTED')).toMatchObject({ endedSessions: 0, released: false });
    expect(await lease()).toMatchObject({ state: 'HELD', holder: executionArn('run-2') });
    runtime.setExecution('run-2', 'TIMED_OUT');
    expect(await steps.cleanUp('run-2', 'TIMED_OUT')).toEqual({
      endedSessions: 1,
      released: true,
      signalled: true,
    });
    await second;
  });

  test('does not touch an execution that runs again', async () => {
    await steps.plan('run-1');
    await steps.acquireLease('run-1');
    runtime.setExecution('run-1', 'RUNNING');
    expect(await steps.cleanUp('run-1', 'FAILED')).toEqual(NOTHING);
    expect(await lease()).toMatchObject({ state: 'HELD', holder: executionArn('run-1') });
    expect(signals()).toEqual([]);
  });

  test('of one that had got nowhere signals roll back and leaves the database as it was', async () => {
    expect(await steps.cleanUp('run-1', 'TIMED_OUT')).toEqual({
      endedSessions: 0,
      released: false,
      signalled: true,
    });
    expect(signals()[0]).toMatchObject({
      state: 'Nothing of this run is applied.',
      message: expect.stringContaining('ran out of time'),
    });
    expect(await runtime.query("SELECT to_regnamespace('lockstep') AS ledger")).toEqual([{ ledger: null }]);
  });
});

describe('the reconciler', () => {
  test('cleans up after the run that has the lease and has ended, as its event would have', async () => {
    const { attempt } = await stoppedRun('run-1');
    expect(await steps.reconcile()).toEqual({ endedSessions: 1, released: true, signalled: true });
    await attempt;
    expect(await lease()).toMatchObject({ state: 'FREE', token: 1 });
    expect(signals()).toMatchObject([{ run: 'run-1', signal: 'ROLL_BACK', applied: ['0001_a'] }]);
    // The event that was late, and the next time.
    expect(await steps.cleanUp('run-1', 'ABORTED')).toMatchObject({ endedSessions: 0, released: false });
    expect(await steps.reconcile()).toEqual(NOTHING);
  });

  test('of one that has succeeded frees the lease, and signals nothing', async () => {
    await runtime.deploy({ '0001_a.sql': FILES['0001_a.sql'] });
    await migrateAll('run-1');
    runtime.setExecution('run-1', 'SUCCEEDED');
    expect(await steps.reconcile()).toEqual({ endedSessions: 0, released: true, signalled: false });
    expect(signals()).toEqual([]);
  });

  test('keeps the lease of one whose signal could not be sent: by it the next call finds that run', async () => {
    const { attempt } = await stoppedRun('run-1');
    const send = vi.spyOn(EventBridgeSignal.prototype, 'send').mockRejectedValueOnce(new Error('no answer'));
    await expect(steps.reconcile().finally(() => send.mockRestore())).rejects.toThrow();
    await attempt;
    expect(signals()).toEqual([]);
    expect(await steps.reconcile()).toMatchObject({ released: true, signalled: true });
    expect(signals()).toMatchObject([{ run: 'run-1', signal: 'ROLL_BACK' }]);
  });

  test('leaves a run that goes on alone, and a holder that is no execution', async () => {
    expect(await steps.reconcile()).toEqual(NOTHING);
    runtime.setExecution('run-1', 'RUNNING');
    await steps.acquireLease('run-1');
    expect(await steps.reconcile()).toEqual(NOTHING);
    await steps.releaseLease('run-1');
    const holder = 'host:1:a';
    await runtime.leases.tryAcquire({ target: runtime.target(), holder, durationMs: 60_000 });
    expect(await steps.reconcile()).toEqual(NOTHING);
    expect(await lease()).toMatchObject({ state: 'HELD', holder });
  });
});

describe('no roll back is signalled', () => {
  test('for a run that had applied everything before it was stopped', async () => {
    await runtime.deploy({ '0001_a.sql': FILES['0001_a.sql'] });
    await migrateAll('run-1');
    expect(await steps.cleanUp('run-1', 'ABORTED')).toEqual({
      endedSessions: 0,
      released: true,
      signalled: false,
    });
    expect(signals()).toEqual([]);
  });

  test('for one that has succeeded with nothing left to apply, of which the ledger knows nothing', async () => {
    await runtime.deploy({ '0001_a.sql': FILES['0001_a.sql'] });
    await migrateAll('run-1');
    await steps.releaseLease('run-1');
    await steps.acquireLease('run-2');
    runtime.setExecution('run-2', 'SUCCEEDED');
    expect(await steps.reconcile()).toEqual({ endedSessions: 0, released: true, signalled: false });
    expect(signals()).toEqual([]);
  });

  test('for one that was redriven and has succeeded before its event came, even if the ledger cannot be read', async () => {
    runtime.setExecution('run-1', 'SUCCEEDED');
    expect(await steps.cleanUp('run-1', 'TIMED_OUT')).toEqual(NOTHING);
    runtime.set('databaseSecretArn', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:gone');
    await expect(steps.cleanUp('run-1', 'TIMED_OUT')).rejects.toThrow();
    expect(signals()).toEqual([]);
  });

  test('for a failed run that went through its own roll back', async () => {
    await runtime.deploy({
      '0001_a.sql': FILES['0001_a.sql'],
      '0001_a.down.sql': 'DROP TABLE public.a;',
      '0002_bad.sql': 'SELECT * FROM no_such_table;',
    });
    const error = await migrateAll('run-1').catch((thrown: unknown) => thrown);
    await steps.rollBack('run-1', error);
    await steps.releaseLease('run-1');
    runtime.setExecution('run-1', 'FAILED', 'MigrationFailedError');
    expect(await steps.cleanUp('run-1', 'FAILED')).toEqual(NOTHING);
  });

  test('for a run that failed in Plan, of which the ledger knows nothing', async () => {
    runtime.setExecution('run-1', 'FAILED', 'DriftError');
    expect(await steps.cleanUp('run-1', 'FAILED')).toEqual(NOTHING);
    expect(signals()).toEqual([]);
  });
});

describe('roll back is signalled', () => {
  test.each([
    ['its own signal could not be sent', 'SignalError'],
    ['Step Functions ended it in the middle', 'States.Runtime'],
  ])('for a failed run when %s', async (_, error) => {
    runtime.setExecution('run-1', 'FAILED', error);
    expect(await steps.cleanUp('run-1', 'FAILED')).toMatchObject({ signalled: true });
    expect(signals()).toMatchObject([{ run: 'run-1', signal: 'ROLL_BACK' }]);
  });

  test('for a run that had applied everything, but could signal neither roll out nor roll back', async () => {
    await runtime.deploy({ '0001_a.sql': FILES['0001_a.sql'] });
    await migrateAll('run-1');
    runtime.setExecution('run-1', 'FAILED', 'SignalError');
    expect(await steps.cleanUp('run-1', 'FAILED')).toMatchObject({ signalled: true });
  });
});

describe('what fails in cleaning up', () => {
  test('keeps it from nothing else, and is an error in the end, so that the event is delivered again', async () => {
    await steps.acquireLease('run-1');
    runtime.set('databaseSecretArn', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:gone');
    await expect(steps.cleanUp('run-1', 'ABORTED')).rejects.toMatchObject({ code: 'LS102' });
    expect(await lease()).toMatchObject({ state: 'FREE' });
    expect(signals()).toEqual([
      expect.objectContaining({
        run: 'run-1',
        signal: 'ROLL_BACK',
        state: expect.stringContaining('is not known'),
      }),
    ]);
  });
});
