import { SFNClient } from '@aws-sdk/client-sfn';
import { afterEach, describe, expect, test } from 'vitest';
import { executionState, hasNewerVerdict, readRunState } from '../../lib/adapters/stepfunctions/index.ts';
import { type ExecutionStatus, LocalExecutions } from '../../lib/local/aws/executions.ts';
import { AwsError, type Service } from '../../lib/local/aws/service.ts';
import { startLocalAws } from '../support/local-aws.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:123456789012:execution:Lockstep:run-1';

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

async function clientOf(states: Service): Promise<SFNClient> {
  const { clientConfig, stop } = await startLocalAws({ states });
  const client = new SFNClient(clientConfig);
  close = async () => {
    client.destroy();
    await stop();
  };
  return client;
}

const withStatus = (
  status: ExecutionStatus,
  more: { error?: string; input?: string } = {},
): Promise<SFNClient> => {
  const executions = new LocalExecutions();
  const names = { executionArn: EXECUTION, stateMachineArn: 'm', name: 'run-1' };
  executions.add({ ...names, startedAtMs: 0, status, ...more });
  return clientOf(executions.service);
};

describe('the state of an execution', () => {
  test('is running while Step Functions says so', async () => {
    expect(await executionState(await withStatus('RUNNING'), EXECUTION)).toEqual({ kind: 'running' });
  });

  test.each(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const)(
    'is ended when it is %s',
    async (status) => {
      expect(await executionState(await withStatus(status), EXECUTION)).toMatchObject({
        kind: 'ended',
        status,
      });
    },
  );

  test('has the error with which it failed, and what it was asked for', async () => {
    const client = await withStatus('FAILED', { error: 'DriftError', input: '{"reason":"x"}' });
    expect(await executionState(client, EXECUTION)).toMatchObject({
      kind: 'ended',
      error: 'DriftError',
      input: '{"reason":"x"}',
    });
  });

  test('counts as running with a status that this code does not know, such as PENDING_REDRIVE', async () => {
    const client = await clientOf({
      DescribeExecution: () => ({ executionArn: EXECUTION, status: 'PENDING_REDRIVE' }),
    });
    expect(await executionState(client, EXECUTION)).toEqual({ kind: 'running' });
  });

  test('is ended when its history has been deleted', async () => {
    expect(await executionState(await clientOf(new LocalExecutions().service), EXECUTION)).toEqual({
      kind: 'ended',
    });
  });

  test('is unknown when it may not be read: nobody is taken over from on a guess', async () => {
    const client = await clientOf({
      DescribeExecution: () => {
        throw new AwsError('AccessDeniedException', 'not authorized');
      },
    });
    expect(await executionState(client, EXECUTION)).toEqual({
      kind: 'unknown',
      reason: 'AccessDeniedException',
    });
  });

  test('is unknown for a holder that is a process, without a request', async () => {
    const client = await clientOf({});
    for (const holder of [
      'host:42:0b5c',
      'arn:aws:lambda:eu-west-1:123456789012:function:x',
      `${EXECUTION}:extra`,
    ]) {
      expect(await executionState(client, holder)).toEqual({
        kind: 'unknown',
        reason: 'the holder is no execution',
      });
    }
  });

  test('is asked for in every partition', async () => {
    const executions = new LocalExecutions();
    const chinese = EXECUTION.replace('arn:aws:', 'arn:aws-cn:');
    executions.add({
      executionArn: chinese,
      stateMachineArn: 'm',
      name: 'run-1',
      startedAtMs: 0,
      status: 'ABORTED',
    });
    expect(await executionState(await clientOf(executions.service), chinese)).toMatchObject({
      kind: 'ended',
      status: 'ABORTED',
    });
  });
});

describe('whether a newer run has told its verdict', () => {
  const MACHINE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:Lockstep';
  const arnOf = (name: string) => EXECUTION.replace('run-1', name);
  const ended = (name: string, stoppedAtMs: number) => ({ name, status: 'FAILED' as const, stoppedAtMs });

  /** Names of those that would set the switch. */
  async function setting(
    runs: readonly { name: string; status: ExecutionStatus; stoppedAtMs?: number; sentAtMs?: number }[],
  ): Promise<string[]> {
    const executions = new LocalExecutions();
    for (const { sentAtMs: _, ...run } of runs) {
      const place = { executionArn: arnOf(run.name), stateMachineArn: MACHINE, startedAtMs: 0 };
      executions.add({ ...place, ...run });
    }
    const client = await clientOf(executions.service);
    const found: string[] = [];
    for (const { name, stoppedAtMs = 0, sentAtMs = Math.floor(stoppedAtMs / 1_000) * 1_000 } of runs) {
      const state = (await readRunState(client, arnOf(name)))!;
      if (!(await hasNewerVerdict(client, MACHINE, name, { state, sentAtMs }))) found.push(name);
    }
    return found;
  }

  test('only the last to end sets the switch, also of two in the same second', async () => {
    expect(await setting([ended('b', 5_100), ended('a', 5_900), ended('c', 4_000)])).toEqual(['a']);
  });

  test('of two that ended in the same moment one does', async () => {
    expect(await setting([ended('a', 5_000), ended('b', 5_000)])).toEqual(['b']);
  });

  test('a run that is sent back after its end sets it past those that ended before that', async () => {
    const sentBack = { ...ended('a', 5_000), sentAtMs: 9_000 };
    expect(await setting([sentBack, ended('b', 7_000)])).toEqual(['a', 'b']);
    expect(await setting([sentBack, ended('b', 9_500)])).toEqual(['b']);
  });

  test('to a run that has not ended yet nobody is newer', async () => {
    expect(await setting([{ name: 'a', status: 'RUNNING' }, ended('b', 5_000)])).toEqual(['a', 'b']);
  });
});
