/**
 * What comes after "roll back" was signalled, as states of the machine that follows a roll-out: a person is asked whether
 * the data of before the run is to be brought back, and if so a new database is made and waited for. However that ends is
 * in a second signal. The old database is not touched, and no lease is held.
 */
import { UNASKED } from '../core/restore-point/restoration.ts';
import { EventType } from '../core/rollout/signal.ts';
import { RollOutStateName, StateName } from '../core/workflow/state-name.ts';
import { type ApprovalState, askState } from './workflow-approval.ts';
import { goOnTo } from './workflow-shared.ts';
import type { AslState, TaskStates } from './workflow-task.ts';

/** Beside what every machine that follows a roll-out begins with. */
export const RESTORE_INPUT = { 'restorePoint.$': '$.restorePoint', restoration: UNASKED };

const STATUS = '$.restoration.status';

export const restoreStates = (
  { invoke, signal }: TaskStates<'restore-database'>,
  asking: ApprovalState,
  partition: string,
) => ({
  [RollOutStateName.RestoreDatabase]: invoke('restore-database', {
    comment:
      'Says what a person is asked; once that is approved, begins a new database made of the restore point, or looks how far it is.',
    parameters: {
      'followed.$': '$.followed',
      'restorePoint.$': '$.restorePoint',
      'verdict.$': '$.verdict',
      'restoration.$': '$.restoration',
    },
    next: RollOutStateName.DatabaseRestored,
    catchers: [
      { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: RollOutStateName.FailedUnrestored },
    ],
  }),
  [RollOutStateName.DatabaseRestored]: {
    Type: 'Choice',
    Comment: 'Restored, or not because nobody approved it or RDS could not: either is told.',
    Choices: [
      { Variable: STATUS, StringEquals: 'asking', Next: RollOutStateName.AskForRestore },
      { Variable: STATUS, StringEquals: 'restoring', Next: RollOutStateName.WaitForRestore },
      { Variable: STATUS, StringEquals: 'none', Next: StateName.Failed },
    ],
    Default: RollOutStateName.SignalRestore,
  },
  [RollOutStateName.AskForRestore]: {
    ...askState(asking, partition, { at: '$.restoration', runPath: '$.followed.id' }),
    Comment:
      'Waits for a person: the message to the topic says how to approve and to refuse. Stopping the execution here is harmless.',
    Catch: [
      {
        ErrorEquals: ['States.ALL'],
        ResultPath: '$.restoration.failure',
        Next: RollOutStateName.RestoreDatabase,
      },
    ],
    Next: RollOutStateName.RestoreDatabase,
  } satisfies AslState,
  [RollOutStateName.WaitForRestore]: {
    Type: 'Wait',
    Comment:
      'The new database is being made. Stopping the execution here keeps it from being told, not made.',
    SecondsPath: '$.restoration.waitSeconds',
    Next: RollOutStateName.RestoreDatabase,
  },
  [RollOutStateName.SignalRestore]: signal({
    comment: 'Tells what became of the restore point, after deployers were told to go back.',
    detailType: EventType.rollBack,
    next: StateName.Failed,
    catchers: [goOnTo(StateName.Failed)],
  }),
  [RollOutStateName.FailedUnrestored]: {
    Type: 'Fail',
    Comment:
      'Roll back was signalled. Whether a new database is being made is to be seen in the RDS console.',
    ErrorPath: '$.error.Error',
    CausePath:
      "States.Format('Roll back was signalled, but the restore did not finish: {}', States.JsonToString($.error))",
  },
});
