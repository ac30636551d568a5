/** What the state machine does with the answers of its tasks, whichever they are. */
import validate from 'asl-validator';
import { describe, expect, test } from 'vitest';
import { ErrorName } from '../../lib/core/errors/index.ts';
import { verdictSchema } from '../../lib/core/rollout/index.ts';
import { StateName } from '../../lib/core/workflow/index.ts';
import {
  APPLIED,
  definition,
  FAILED,
  failing,
  followedDefinition,
  fullDefinition,
  longRunningDefinition,
  migrated,
  planned,
  RUN,
  RUN_ID,
  runMachine,
} from './workflow-machine.ts';

const states = Object.entries(definition.States);
const allStates = Object.entries(fullDefinition.States);
const S = StateName;

describe('the definition', () => {
  test.each([
    ['as it is by default', definition],
    ['with tasks for long work', longRunningDefinition],
    ['with roll-outs that are followed', followedDefinition],
    ['with everything', fullDefinition],
  ])('is valid %s', (_, machine) => {
    // It adds to what it is given.
    const given = structuredClone(machine);
    expect(validate(given, { checkPaths: true, checkArn: true })).toMatchObject({ isValid: true });
  });

  test('has every state that lib/core names, and no other', () => {
    expect(Object.keys(fullDefinition.States).sort()).toEqual(Object.values(StateName).sort());
  });

  test('has none for long work unless there are tasks, and is else the same', () => {
    const { [S.MigrateInTask]: inTask, ...others } = longRunningDefinition.States;
    expect(inTask).toBeDefined();
    const { [S.AllApplied]: allApplied } = definition.States;
    expect({ ...others, [S.AllApplied]: allApplied }).toEqual(definition.States);
  });

  test('explains every state in a sentence', () => {
    expect(
      allStates.filter(([, { Comment }]) => !/^[A-Z].{20,}\.( .*\.)?$|lockstep status\.$/.test(Comment)),
    ).toEqual([]);
  });

  test('gives every task an end, some retries, and a way on when it fails for good', () => {
    const tasks = states.filter(([, { Type }]) => Type === 'Task');
    expect(tasks.length).toBe(10);
    for (const [name, task] of tasks) {
      expect(task, name).toMatchObject({ TimeoutSeconds: expect.any(Number) });
      const retries = task.Retry as { MaxAttempts: number }[];
      expect(retries.length, name).toBeGreaterThan(0);
      expect(
        retries.every(({ MaxAttempts }) => MaxAttempts <= 8),
        name,
      ).toBe(true);
      expect((task.Catch as { ErrorEquals: string[] }[]).at(-1)?.ErrorEquals, name).toEqual(['States.ALL']);
    }
  });
});

describe('a run with nothing pending', () => {
  const verdict = { outcome: 'nothing-pending', signal: 'ROLL_OUT' };

  test.each(['nothing-pending', 'ahead'])(
    'signals roll out after one call of a function (%s)',
    async (outcome) => {
      const { visited, inputs, output } = await runMachine({ [S.Plan]: [planned(outcome, verdict)] });
      expect(visited).toEqual([S.Plan, S.AnythingPending, S.SignalRollOut, S.Succeeded]);
      // A transition into each state, and one out of the last.
      expect(visited.length + 1).toBeLessThanOrEqual(8);
      expect(inputs[S.SignalRollOut]).toEqual([
        {
          Entries: [
            { Source: 'lockstep', DetailType: 'Lockstep Roll Out', EventBusName: 'default', Detail: verdict },
          ],
        },
      ]);
      expect(output).toEqual(verdict);
    },
  );

  test('signals nothing when it was a dry run', async () => {
    const dryRun = { outcome: 'dry-run', signal: 'NONE' };
    const { visited, output } = await runMachine({ [S.Plan]: [planned('dry-run', dryRun)] });
    expect(visited).toEqual([S.Plan, S.AnythingPending, S.Succeeded]);
    expect(output).toEqual(dryRun);
  });

  test('does not take an outcome that it does not know for leave to roll out', async () => {
    const { visited } = await runMachine({ [S.Plan]: [planned('something new')] });
    expect(visited.slice(0, 3)).toEqual([S.Plan, S.AnythingPending, S.TakeRestorePoint]);
  });
});

describe('a run with something pending', () => {
  test('takes a restore point, then the lease, migrates, releases, signals, and ends with the verdict', async () => {
    const { visited, inputs, output } = await runMachine();
    expect(visited).toEqual([
      S.Plan,
      S.AnythingPending,
      S.TakeRestorePoint,
      S.RestorePointReady,
      S.AcquireLease,
      S.LeaseObtained,
      S.Migrate,
      S.AllApplied,
      S.ReleaseLease,
      S.SignalRollOut,
      S.Succeeded,
    ]);
    expect(inputs[S.Plan]).toEqual([{ run: RUN, request: {} }]);
    expect(inputs[S.Migrate]?.[0]).toMatchObject({
      run: RUN,
      restorePoint: { id: 'lockstep-1' },
      progress: { calls: 0 },
    });
    expect(inputs[S.ReleaseLease]).toEqual([{ run: RUN }]);
    expect(output).toEqual(APPLIED);
  });

  test('waits for the restore point and for the lease, each time with what was seen last', async () => {
    const creating = { status: 'creating', id: 'lockstep-1', waitSeconds: 2, waitedSeconds: 0 };
    const held = { acquired: false, heldBy: 'another', waitSeconds: 1, waitedSeconds: 0 };
    const { visited, inputs } = await runMachine({
      [S.TakeRestorePoint]: [creating, { ...creating, status: 'none' }],
      [S.AcquireLease]: [held, { acquired: true }],
    });
    expect(visited.filter((s) => s === S.WaitForRestorePoint || s === S.WaitForLease)).toEqual([
      S.WaitForRestorePoint,
      S.WaitForLease,
    ]);
    expect(inputs[S.TakeRestorePoint]?.[1]).toMatchObject({ restorePoint: creating });
    expect(inputs[S.AcquireLease]?.[1]).toEqual({ run: RUN, lease: held });
  });

  test('calls Migrate again, with its progress, until all is applied', async () => {
    const { inputs } = await runMachine({
      [S.Migrate]: [migrated('more', null), migrated('applied', APPLIED)],
    });
    expect(inputs[S.Migrate]?.[1]).toMatchObject({
      progress: { outcome: 'more', calls: 1 },
      restorePoint: { id: 'lockstep-1' },
    });
  });

  test.each(['PlanStaleError', 'LeaseLostError', 'StaleAttemptError'])(
    'plans again after %s',
    async (name) => {
      const { visited, output } = await runMachine({
        [S.Plan]: [planned('pending'), planned('nothing-pending', APPLIED)],
        [S.Migrate]: [failing(name)],
      });
      expect(visited.slice(6)).toEqual([
        S.Migrate,
        S.ReleaseLeaseForReplan,
        S.Plan,
        S.AnythingPending,
        S.SignalRollOut,
        S.Succeeded,
      ]);
      expect(output).toEqual(APPLIED);
    },
  );

  test('rolls out although the lease cannot be released, because everything is applied', async () => {
    const { visited } = await runMachine({ [S.ReleaseLease]: [failing('LeaseStoreError')] });
    expect(visited.slice(-3)).toEqual([S.ReleaseLease, S.SignalRollOut, S.Succeeded]);
  });
});

describe('a run that fails', () => {
  test.each([S.Plan, S.TakeRestorePoint, S.AcquireLease, S.Migrate])(
    'in %s, rolls back, releases the lease, signals and fails with the verdict',
    async (state) => {
      const { visited, inputs, error } = await runMachine({ [state]: [failing('MigrationFailedError')] });
      expect(visited.slice(visited.indexOf(state))).toEqual([
        state,
        S.RollBack,
        S.ReleaseLeaseAfterFailure,
        S.SignalRollBack,
        S.Failed,
      ]);
      expect(inputs[S.RollBack]).toEqual([
        { run: RUN, request: {}, error: expect.objectContaining({ Error: 'MigrationFailedError' }) },
      ]);
      expect(inputs[S.SignalRollBack]).toMatchObject([
        { Entries: [{ DetailType: 'Lockstep Roll Back', Detail: FAILED }] },
      ]);
      expect(error?.cause ?? error).toMatchObject({ name: 'MigrationFailedError' });
    },
  );

  test.each([...Object.values(ErrorName), 'Lambda.Unknown', 'Sandbox.Timedout', 'States.Timeout'])(
    'signals roll back after %s, whichever function throws it, unless that means to plan again',
    async (name) => {
      const plansAgain: string[] = [ErrorName.PlanStale, ErrorName.LeaseLost, ErrorName.StaleAttempt];
      for (const state of [S.Plan, S.TakeRestorePoint, S.AcquireLease, S.Migrate]) {
        // The second plan, if there is one, finds that others have applied everything.
        const plans = [planned('pending'), planned('nothing-pending', APPLIED)];
        const { visited } = await runMachine({ [S.Plan]: plans, [state]: [failing(name)] });
        const again = state === S.Migrate && plansAgain.includes(name);
        expect(visited.includes(S.SignalRollBack), state).toBe(!again);
        expect(visited.includes(S.SignalRollOut), state).toBe(again);
      }
    },
  );

  test('has a verdict of the documented shape even when the roll back fails, too', async () => {
    const { visited, inputs, error } = await runMachine({
      [S.Plan]: [failing('DatabaseRefusedError')],
      [S.RollBack]: [failing('InternalError')],
    });
    expect(visited.slice(1)).toEqual([
      S.RollBack,
      S.RollBackFailed,
      S.ReleaseLeaseAfterFailure,
      S.SignalRollBack,
      S.Failed,
    ]);
    const [signal] = inputs[S.SignalRollBack] as [{ Entries: [{ Detail: unknown }] }];
    const verdict = verdictSchema.parse(signal.Entries[0].Detail);
    expect(verdict).toMatchObject({
      run: RUN_ID,
      target: 'orders-production',
      signal: 'ROLL_BACK',
      error: { name: 'DatabaseRefusedError' },
      message: 'The run failed (DatabaseRefusedError) and its roll back did not finish (InternalError).',
    });
    expect(error?.cause ?? error).toMatchObject({ name: 'DatabaseRefusedError' });
  });

  test('fails, and does not succeed silently, when roll out cannot be signalled', async () => {
    const { visited } = await runMachine({ [S.SignalRollOut]: [failing('EventBridge.InternalException')] });
    expect(visited.slice(-4)).toEqual([S.RollBack, S.ReleaseLeaseAfterFailure, S.SignalRollBack, S.Failed]);
  });

  test('ends as failed although neither the lease can be released nor roll back be signalled', async () => {
    const { visited, error } = await runMachine({
      [S.Migrate]: [failing('MigrationFailedError')],
      [S.ReleaseLeaseAfterFailure]: [failing('LeaseStoreError')],
      [S.SignalRollBack]: [failing('EventBridge.InternalException')],
    });
    expect(visited.at(-1)).toBe(S.FailedUnsignalled);
    // By this name the clean-up knows that nobody has been told.
    expect(error?.cause ?? error).toMatchObject({ name: 'SignalError' });
  });

  test.each([S.Failed, S.FailedUnsignalled])(
    '%s tells in its cause what happened, what is true now, and what to do',
    (state) => {
      expect(definition.States[state].CausePath).toMatch(
        /^States\.Format\('\{\} \{\} \{\}.*', \$\.verdict\.message, \$\.verdict\.state, \$\.verdict\.next\)$/,
      );
    },
  );
});
