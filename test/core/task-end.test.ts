import { describe, expect, test } from 'vitest';
import { refuseMoreTasks, runErrorOf, taskFailure, whyStopped } from '../../lib/core/rollout/index.ts';
import { MOST_TASKS } from '../../lib/core/workflow/index.ts';
import { errorOf } from '../support/compile.ts';

const failed = (error: string | null) => ({ verdict: 'failed', error }) as const;

describe('what a task left in the ledger', () => {
  test('is the failure of the run, in the words that a function has for it', () => {
    const failure = taskFailure(failed('LS601: 0002_x.sql, line 3: no: LS999.'));
    expect(failure).toMatchObject({ code: 'LS601', name: 'MigrationFailedError' });
    const cause = JSON.stringify({ errorType: failure?.name, errorMessage: failure?.message });
    expect(runErrorOf({ Error: 'MigrationFailedError', Cause: cause })).toEqual({
      name: 'MigrationFailedError',
      code: 'LS601',
      message: 'LS601: 0002_x.sql, line 3: no: LS999.',
    });
  });

  test.each([
    ['it had not begun', null],
    ['it applied everything', { verdict: 'applied', error: null } as const],
    ['it was killed', { verdict: 'running', error: null } as const],
    ['it was interrupted', failed('LS605: Interrupted.')],
    ['the database did not answer', failed('LS301: It does not answer.')],
    ['the lease store did not answer', failed('LS404: It does not answer.')],
    ['a text that is none of ours is there', failed('it was stopped from outside')],
    ['a code that is not known is there', failed('LS999: Something.')],
  ])('lets the next attempt go on when %s', (_, record) => {
    expect(taskFailure(record)).toBeUndefined();
  });
});

describe('tasks that end without having finished a migration', () => {
  const caught = { name: 'States.TaskFailed', message: 'Essential container in task exited, exit code 137' };

  test('are replaced, but not for ever', () => {
    refuseMoreTasks({ count: MOST_TASKS - 1, record: null, caught });
    const refuse = () => refuseMoreTasks({ count: MOST_TASKS, record: null, caught });
    expect(errorOf(refuse)).toMatchObject({ code: 'LS616', what: expect.stringContaining('exit code 137') });
  });

  test('are told by what the ledger knows of the last one, rather than by the state of its container', () => {
    const record = failed('LS301: The database does not answer.');
    const refuse = () => refuseMoreTasks({ count: MOST_TASKS, record, caught });
    expect(errorOf(refuse).what).toContain('LS301: The database does not answer.');
  });
});

describe('why a task was stopped', () => {
  const cause = (task: object) => ({ Error: 'States.TaskFailed', Cause: JSON.stringify(task) });

  test.each([
    [
      { StoppedReason: 'Essential container in task exited', Containers: [{ ExitCode: 137 }] },
      'Essential container in task exited, exit code 137',
    ],
    [
      {
        StoppedReason: 'CannotPullContainerError: no such image',
        Containers: [{ Reason: 'CannotPullContainerError' }],
      },
      'CannotPullContainerError: no such image, CannotPullContainerError',
    ],
    [{ StoppedReason: 'Host EC2 (instance i-1) terminated.' }, 'Host EC2 (instance i-1) terminated.'],
    [{ something: 'else' }, '{"something":"else"}'],
  ])('%j', (task, message) => {
    expect(whyStopped(cause(task)).message).toBe(message);
  });

  test('is the error itself when there is no description, and never long', () => {
    expect(whyStopped({ Error: 'States.Timeout' }).message).toBe('States.Timeout');
    expect(whyStopped({ Error: 'ECS.ServerException', Cause: 'x'.repeat(40_000) }).message).toHaveLength(500);
  });
});
