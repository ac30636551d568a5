/** Acquire lease and Release lease, against a DynamoDB API, as the workflow calls them. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { type LeaseProgress, Metric } from '../../lib/core/workflow/index.ts';
import { LocalExecutions } from '../../lib/local/aws/executions.ts';
import {
  contextOf,
  executionArn,
  type FunctionRuntime,
  runOf,
  startFunctionRuntime,
  TARGET,
} from './function-runtime.ts';

const DURATION_MS = 30_000;
const first: LeaseProgress = { acquired: false, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds: 0 };

let runtime: FunctionRuntime;
let executions: LocalExecutions;
let functions: {
  acquire: (run: string, lease?: LeaseProgress) => Promise<LeaseProgress>;
  release: (run: string) => Promise<{ released: boolean }>;
};

beforeEach(async () => {
  executions = new LocalExecutions();
  runtime = await startFunctionRuntime(
    { states: executions.service },
    { leaseDurationSeconds: '30', leaseWaitSeconds: '60' },
  );
  // Anew for each test, because they keep their clients.
  vi.resetModules();
  const [acquire, release] = await Promise.all([
    import('../../functions/acquire-lease.ts'),
    import('../../functions/release-lease.ts'),
  ]);
  functions = {
    acquire: (run, lease = first) => acquire.handler({ run: runOf(run), lease }, contextOf()),
    release: (run) => release.handler({ run: runOf(run) }, contextOf()),
  };
});
afterEach(() => runtime.close());

const startExecution = (name: string, status: 'RUNNING' | 'ABORTED') =>
  executions.add({ executionArn: executionArn(name), stateMachineArn: 'm', name, startedAtMs: 0, status });

describe('acquiring the lease', () => {
  test('obtains a lease that nobody holds, for the execution', async () => {
    expect(await functions.acquire('run-1')).toEqual({ ...first, acquired: true });
    expect(await runtime.leases.read(TARGET)).toMatchObject({
      state: 'HELD',
      holder: executionArn('run-1'),
      durationMs: DURATION_MS,
      token: 0,
    });
  });

  test('may be called again by the same execution', async () => {
    await functions.acquire('run-1');
    expect(await functions.acquire('run-1')).toMatchObject({ acquired: true });
  });

  test('waits for an execution that still runs, longer each time, and then gives up with its name', async () => {
    startExecution('run-1', 'RUNNING');
    await functions.acquire('run-1');
    const steps: LeaseProgress[] = [first];
    const waiting = async () => {
      for (;;) {
        // The holder shows that it lives, so its silence never lasts.
        await functions.acquire('run-1');
        steps.push(await functions.acquire('run-2', steps.at(-1)));
      }
    };
    await expect(waiting()).rejects.toMatchObject({
      name: 'LeaseUnavailableError',
      code: 'LS401',
      message: expect.stringContaining(executionArn('run-1')),
    });
    expect(steps[1]).toMatchObject({ acquired: false, heldBy: executionArn('run-1'), waitSeconds: 1 });
    expect(steps.reduce((sum, step) => sum + step.waitSeconds, 0)).toBe(60);
  });

  test('takes over at once from an execution that is no longer running', async () => {
    startExecution('run-1', 'ABORTED');
    await functions.acquire('run-1');
    expect(await functions.acquire('run-2')).toMatchObject({ acquired: true, waitedSeconds: 0 });
    expect(await runtime.leases.read(TARGET)).toMatchObject({ holder: executionArn('run-2') });
  });

  test('takes over from a process only after it was silent for the duration of its lease', async () => {
    await runtime.leases.tryAcquire({ target: TARGET, holder: 'host:42:uuid', durationMs: DURATION_MS });
    let lease = await functions.acquire('run-1');
    while (!lease.acquired) lease = await functions.acquire('run-1', lease);
    expect(lease.waitedSeconds).toBeGreaterThanOrEqual(30);
  });

  test('takes nothing over when Step Functions does not say whether the holder still runs', async () => {
    const other = executionArn('run-1').replace('us-east-1', 'eu-west-1');
    await runtime.leases.tryAcquire({ target: TARGET, holder: `${other}:extra`, durationMs: DURATION_MS });
    expect(await functions.acquire('run-2')).toMatchObject({ acquired: false });
  });

  test('measures how long it waited, once it has the lease or gives up', async () => {
    const { metrics: own } = await import('../../functions/_runtime/observability.ts');
    const added = vi.spyOn(own, 'addMetric');
    await functions.acquire('run-1');
    expect(added.mock.calls).toEqual([[Metric.leaseWaitSeconds, 'Seconds', 0]]);
    startExecution('run-1', 'RUNNING');
    const waited: LeaseProgress = { ...first, waitSeconds: 15, waitedSeconds: 45 };
    await expect(functions.acquire('run-2', waited)).rejects.toThrow(/^LS401/);
    expect(added.mock.calls[1]).toEqual([Metric.leaseWaitSeconds, 'Seconds', 60]);
  });
});

describe('releasing the lease', () => {
  test('frees what the execution holds, whichever attempt minted last', async () => {
    await functions.acquire('run-1');
    const lease = { target: TARGET, holder: executionArn('run-1'), durationMs: DURATION_MS, token: 0 };
    const { token } = await runtime.leases.mint(await runtime.leases.mint(lease));
    expect(await functions.release('run-1')).toEqual({ released: true });
    expect(await runtime.leases.read(TARGET)).toMatchObject({ state: 'FREE', token });
  });

  test('does nothing the second time, and nothing when nobody ever acquired it', async () => {
    expect(await functions.release('run-1')).toEqual({ released: false });
    await functions.acquire('run-1');
    await functions.release('run-1');
    expect(await functions.release('run-1')).toEqual({ released: false });
  });

  test("leaves another holder's lease alone", async () => {
    await functions.acquire('run-2');
    expect(await functions.release('run-1')).toEqual({ released: false });
    expect(await runtime.leases.read(TARGET)).toMatchObject({ state: 'HELD', holder: executionArn('run-2') });
  });
});
