/** The walk goes where the engine goes that runs the same definition, whatever the tasks answer. */
import { beforeAll, describe, expect, test } from 'vitest';
import { StateName } from '../../lib/core/workflow/index.ts';
import {
  type Answer,
  CountedLease,
  type Definition,
  longestInFunctions,
  longestInTask,
  type Machine,
  type Machines,
  NOTHING_TO_DO,
  type Outcomes,
  type Script,
  scriptOf,
  TYPICAL,
  walk,
} from '../../lib/cost/index.ts';
import { SYNTHESIS_MS } from '../constructs/stacks.ts';
import { chargedByEngine, chargedIn, newMachines } from './machines.ts';

let machines: Machines;
beforeAll(() => {
  machines = newMachines();
}, SYNTHESIS_MS);

const scriptFor = (machine: Machine, outcomes: Outcomes): Script =>
  scriptOf(outcomes, { ...machine, lease: new CountedLease(machine.leaseDurationSeconds) });

/** Both ways, each with a script of its own: a script remembers what it was asked. */
async function both(definition: Definition, newScript: () => Script) {
  const walked = await walk(definition, newScript());
  return { walked: chargedIn(walked), run: await chargedByEngine(definition, newScript()) };
}

describe('a run that succeeds is walked as it is run', () => {
  test.each([
    ['with nothing to do', () => NOTHING_TO_DO],
    ['with a restore point and one call of Migrate', () => TYPICAL],
    [
      'with the longest waits, in functions',
      (machine: Machine) => longestInFunctions(machine.leaseWaitSeconds),
    ],
    ['with the longest waits, in a task', (machine: Machine) => longestInTask(machine.leaseWaitSeconds)],
  ])('%s', async (_, outcomesFor) => {
    const machine = machines.atItsLimits;
    const { walked, run } = await both(machine.definition, () => scriptFor(machine, outcomesFor(machine)));
    expect(walked).toEqual(run);
    expect(walked.at(-1)).toBe(`entered ${StateName.Succeeded}`);
  });
});

describe('a run with failures is walked as it is run', () => {
  const FAILED = { error: { name: 'MigrationFailedError' }, message: '', state: '', next: '' };
  /** The typical run, with other answers in the place of some, in order; the last one is given again. */
  const withAnswers = (others: Partial<Record<StateName, readonly (Answer | 'as usual')[]>>) => () => {
    const usual = scriptFor(machines.byDefault, TYPICAL);
    const asked = new Map<string, number>();
    const script: Script = (question) => {
      const { state } = question;
      const answers = { [StateName.RollBack]: [{ seconds: 2, result: FAILED }], ...others }[
        state as StateName
      ];
      const count = asked.get(state) ?? 0;
      asked.set(state, count + 1);
      const answer = answers?.[Math.min(count, answers.length - 1)] ?? 'as usual';
      if (answer !== 'as usual') return answer;
      const isUnknown = state === StateName.ReleaseLeaseAfterFailure || state === StateName.SignalRollBack;
      return isUnknown ? { seconds: 1, result: {} } : usual(question);
    };
    return script;
  };
  const error = (name: string): Answer => ({ seconds: 1, error: name });

  test.each([
    [
      'a function that dies twice',
      { [StateName.Migrate]: [error('Lambda.Unknown'), error('Lambda.Unknown'), 'as usual'] },
      2,
    ],
    ['a function that dies again and again', { [StateName.Migrate]: [error('Lambda.Unknown')] }, 2],
    [
      'retries of two kinds, each with its own number',
      {
        [StateName.AcquireLease]: [
          error('Lambda.Unknown'),
          error('Lambda.TooManyRequestsException'),
          error('Lambda.Unknown'),
          error('Lambda.TooManyRequestsException'),
          'as usual',
        ],
      },
      4,
    ],
    ['a migration that fails', { [StateName.Migrate]: [error('MigrationFailedError')] }, 0],
    ['a plan that is stale once', { [StateName.Migrate]: [error('PlanStaleError'), 'as usual'] }, 0],
    [
      'a failure whose roll back fails, too',
      {
        [StateName.Migrate]: [error('MigrationFailedError')],
        [StateName.RollBack]: [error('InternalError')],
        [StateName.SignalRollBack]: [error('EventBridge.InternalException')],
      },
      5,
    ],
  ] as const)('%s', async (_, answers, retries) => {
    const { walked, run } = await both(
      machines.byDefault.definition,
      withAnswers({
        ...answers,
        [StateName.ReleaseLeaseForReplan]: [{ seconds: 1, result: {} }],
      }),
    );
    expect(walked).toEqual(run);
    expect(walked.filter((each) => each.startsWith('retried'))).toHaveLength(retries);
  });
});

describe('what the walk does not know is an error', () => {
  const starting = (state: object): Definition =>
    ({ StartAt: 'A', TimeoutSeconds: 60, States: { A: state } }) as unknown as Definition;
  const noScript: Script = () => ({ seconds: 1, result: {} });

  test.each([
    ['a type of state', { Type: 'Map', Next: 'A' }],
    ['an operator of a choice', { Type: 'Choice', Choices: [{ Variable: '$.a', IsNull: true, Next: 'A' }] }],
    ['a path', { Type: 'Wait', SecondsPath: '$.a[0]', Next: 'A' }],
    [
      'a value that is missing',
      { Type: 'Choice', Choices: [{ Variable: '$.a', StringEquals: 'b', Next: 'A' }] },
    ],
  ])('%s', async (_, state) => {
    await expect(walk(starting(state), noScript)).rejects.toThrow();
  });

  test('a task that takes longer than its state may', async () => {
    const state = { Type: 'Task', Resource: 'arn:aws:lambda:x', TimeoutSeconds: 5, Next: 'A' };
    await expect(walk(starting(state), () => ({ seconds: 6, result: {} }))).rejects.toThrow(
      'its limit is 5 s',
    );
  });
});

test('a run that takes longer than it may is timed out', async () => {
  const definition = {
    StartAt: 'A',
    TimeoutSeconds: 60,
    States: { A: { Type: 'Wait', Seconds: 9, Next: 'A' } },
  };
  expect(await walk(definition, () => ({ seconds: 0, result: {} }))).toMatchObject({
    status: 'TIMED_OUT',
    seconds: 60,
  });
});
