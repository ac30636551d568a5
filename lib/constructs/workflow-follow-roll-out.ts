/**
 * The states that begin to follow a roll-out: an execution of the other machine, named after the run, so that there is
 * one however often the state is tried. It does not wait for its end: the run ends when roll out is signalled, as ever,
 * because there are deployers that go on only when it has ended.
 */
import { NEW_ROLL_OUT } from '../core/rollout/follow-roll-out.ts';
import { StateName } from '../core/workflow/state-name.ts';
import { RESTORE_INPUT } from './roll-out-restore.ts';
import { SIGNAL_RETRIES } from './workflow-retry.ts';
import { type AslState, type Catcher, RUN } from './workflow-task.ts';

export interface FollowRollOut {
  readonly stateMachineArn: string;
  /** Whether it is told of the restore point. */
  readonly restores: boolean;
}

const NO_LEASE = { acquired: false, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds: 0 };

/** 44 characters, whatever the run is called; a name may have 80. */
export const nameAfterExecution = (prefix: 'roll-out' | 'contract'): string =>
  `States.Format('${prefix}-{}', States.Hash($$.Execution.Id, 'MD5'))`;

export const followRollOutStates = (
  { stateMachineArn, restores }: FollowRollOut,
  partition: string,
  rollBack: Catcher,
) => ({
  [StateName.RollOutToFollow]: {
    Type: 'Choice',
    Comment: 'After a run that only contracts nothing is rolled out.',
    Choices: [
      {
        And: [
          { Variable: '$.plan.phase', IsPresent: true },
          { Variable: '$.plan.phase', StringEquals: 'contract' },
        ],
        Next: StateName.SignalRollOut,
      },
    ],
    Default: StateName.FollowRollOut,
  },
  [StateName.FollowRollOut]: {
    ...startExecution(partition, {
      StateMachineArn: stateMachineArn,
      'Name.$': nameAfterExecution('roll-out'),
      Input: {
        'AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$': '$$.Execution.Id',
        followed: RUN,
        'request.$': '$$.Execution.Input',
        'bundle.$': '$.plan.bundle',
        rollOut: NEW_ROLL_OUT,
        lease: NO_LEASE,
        stopError: null,
        ...(restores ? RESTORE_INPUT : {}),
      },
    }),
    Comment: 'Begins to follow the roll-out, in an execution of its own, before anybody is told to roll out.',
    Catch: [rollBack],
    Next: StateName.SignalRollOut,
  },
});

interface Start {
  readonly StateMachineArn: string;
  readonly 'Name.$': string;
  readonly Input: Readonly<Record<string, unknown>>;
}

/** Without waiting for its end. */
export const startExecution = (partition: string, start: Start): AslState => ({
  Type: 'Task',
  Comment: '',
  Resource: `arn:${partition}:states:::states:startExecution`,
  Parameters: start,
  ResultPath: null,
  TimeoutSeconds: 30,
  Retry: SIGNAL_RETRIES,
});
