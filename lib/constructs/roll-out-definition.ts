/**
 * The state machine that follows a roll-out, as data. Its data begins with what "Follow roll-out" of the workflow gives.
 *
 *   [Look at alarms ─►] Await roll-out ⟲ Wait ─ healthy ─► Plan contract ─► Start contract run ─► Succeeded
 *                            │    ▲                └ nothing to contract, or left alone ─► Succeeded
 *                  unhealthy │    └ Wait
 *                            └► Stop roll-out      └ sent back ─► [Acquire lease ⟲] ─► Roll back ─► [Release lease]
 *                                                       ─► Signal roll back [─► Restore database ⟲ …] ─► Failed
 * Invariants
 * - That it cannot be seen how a roll-out is, is no reason to send it back: then nothing is done, and the execution fails.
 * - Once a deployment was sent back, nothing keeps "roll back" from being signalled.
 * - The schema is touched only while this execution holds the lease.
 * - A restore point is brought back only after that, as a new database, and only if a person approves it.
 * - Contract migrations are applied by a run of the workflow, with a lease and a verdict of its own.
 */
import type { Duration } from 'aws-cdk-lib';
import { ErrorName } from '../core/errors/catalogue.ts';
import type { Followed } from '../core/rollout/deployments.ts';
import type { RollOutLimits } from '../core/rollout/follow-roll-out.ts';
import type { RollOutPolicy } from '../core/rollout/sent-back-verdict.ts';
import { EventType } from '../core/rollout/signal.ts';
import { RollOutStateName, StateName } from '../core/workflow/state-name.ts';
import { contractStates, UNFOLLOWED } from './roll-out-contract.ts';
import { restoreStates } from './roll-out-restore.ts';
import type { ApprovalState } from './workflow-approval.ts';
import type { Retrier } from './workflow-retry.ts';
import { FAILED, goOnTo, leaseStates } from './workflow-shared.ts';
import { type AslState, type TaskProps, type TaskStates, taskStates } from './workflow-task.ts';
import { unfinishedSendingBack } from './workflow-verdict.ts';

/** What its tasks call: functions of the workflow, and two of its own. */
export const ROLL_OUT_TASKS = [
  'await-roll-out',
  'stop-roll-out',
  'plan',
  'acquire-lease',
  'roll-back',
  'release-lease',
  'restore-database',
] as const;
export type RollOutTask = (typeof ROLL_OUT_TASKS)[number];
type Tasks = TaskStates<RollOutTask>;

export interface RollOutDefinitionProps extends TaskProps<RollOutTask> {
  readonly target: string;
  readonly follow: Followed;
  readonly limits: RollOutLimits;
  readonly policy: RollOutPolicy;
  /** With the policy `restore`, and only then. */
  readonly restore?: ApprovalState | undefined;
  readonly alarmNames: readonly string[];
  /** ARN of the workflow; undefined: nothing is contracted. */
  readonly contractWith: string | undefined;
  readonly timeout: Duration;
}

export interface RollOutDefinition {
  readonly Comment: string;
  readonly StartAt: string;
  readonly TimeoutSeconds: number;
  readonly States: Readonly<Record<string, AslState>>;
}

export function rollOutDefinition(props: RollOutDefinitionProps): RollOutDefinition {
  const tasks = taskStates(props);
  const look = props.alarmNames.length > 0 ? RollOutStateName.LookAtAlarms : RollOutStateName.AwaitRollOut;
  return {
    Comment: `Lockstep: follows the roll-out after a run on ${props.target}. The run starts it.`,
    StartAt: look,
    TimeoutSeconds: props.timeout.toSeconds(),
    States: {
      ...(props.alarmNames.length > 0 ? alarmState(props) : {}),
      ...awaitStates(tasks, props, look),
      ...(props.policy === 'none' ? {} : stopState(tasks, props)),
      ...(props.policy === 'down' ? lockStates(tasks) : {}),
      ...rollBackStates(tasks, props),
      ...(props.policy === 'none' ? {} : signalStates(tasks, props)),
      ...(props.restore ? restoreStates(tasks, props.restore, props.partition) : {}),
      ...(props.contractWith === undefined ? {} : contractStates(tasks, props.contractWith, props.partition)),
      ...endStates(),
    },
  };
}

/** About half an hour: a service that does not answer for a while is no reason to stop looking. */
const patient = (ErrorEquals: readonly string[]): Retrier => ({
  ErrorEquals,
  IntervalSeconds: 10,
  BackoffRate: 2,
  MaxAttempts: 10,
  MaxDelaySeconds: 300,
});
/** Two and a half minutes: meanwhile an unhealthy version may be running. */
const STOPPING: Retrier = {
  ErrorEquals: [ErrorName.RollOut],
  IntervalSeconds: 10,
  BackoffRate: 2,
  MaxAttempts: 4,
  MaxDelaySeconds: 60,
};
const alarmState = ({ alarmNames, partition }: RollOutDefinitionProps) => ({
  [RollOutStateName.LookAtAlarms]: {
    Type: 'Task',
    Comment: 'Which of the alarms ring now.',
    Resource: `arn:${partition}:states:::aws-sdk:cloudwatch:describeAlarms`,
    Parameters: {
      AlarmNames: alarmNames,
      AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
      StateValue: 'ALARM',
    },
    ResultPath: '$.alarms',
    TimeoutSeconds: 60,
    Retry: [patient(['States.ALL'])],
    Catch: [UNFOLLOWED],
    Next: RollOutStateName.AwaitRollOut,
  },
});

const awaitStates = ({ invoke }: Tasks, props: RollOutDefinitionProps, look: RollOutStateName) => ({
  [RollOutStateName.AwaitRollOut]: invoke('await-roll-out', {
    comment: 'Looks how the deployment is, and whether it has been well for long enough.',
    parameters: {
      follow: props.follow,
      limits: props.limits,
      'request.$': '$.request',
      'rollOut.$': '$.rollOut',
      ...(props.alarmNames.length > 0 ? { 'alarms.$': '$.alarms' } : {}),
    },
    resultPath: '$.rollOut',
    retries: [patient([ErrorName.RollOut])],
    next: RollOutStateName.RollOutSettled,
    catchers: [UNFOLLOWED],
  }),
  [RollOutStateName.RollOutSettled]: {
    Type: 'Choice',
    Comment:
      'If not, the output of the state before says how far the roll-out is, and if it is unhealthy, why.',
    Choices: settledChoices(props),
    Default: RollOutStateName.WaitForRollOut,
  },
  [RollOutStateName.WaitForRollOut]: {
    Type: 'Wait',
    Comment: 'Stopping the execution here changes nothing but that nobody follows the roll-out any more.',
    SecondsPath: '$.rollOut.waitSeconds',
    Next: look,
  },
});

function settledChoices({ policy, contractWith }: RollOutDefinitionProps) {
  const when = (StringEquals: string) => ({ Variable: '$.rollOut.status', StringEquals });
  const oldVersionRuns = { Variable: '$.rollOut.runs', StringEquals: 'old' };
  return [
    { ...when('healthy'), Next: contractWith ? RollOutStateName.PlanContract : StateName.Succeeded },
    { ...when('left-alone'), Next: StateName.Succeeded },
    { ...when('unhealthy'), Next: policy === 'none' ? StateName.RollBack : RollOutStateName.StopRollOut },
    ...(policy === 'down'
      ? [{ And: [when('sent-back'), oldVersionRuns], Next: StateName.AcquireLease }]
      : []),
    ...(policy === 'none' ? [] : [{ ...when('sent-back'), Next: StateName.RollBack }]),
  ];
}

const stopState = ({ invoke }: Tasks, { follow, limits }: RollOutDefinitionProps) => ({
  [RollOutStateName.StopRollOut]: invoke('stop-roll-out', {
    comment:
      'Has the deployer stop the deployment and bring the old version back, if that can still be done.',
    parameters: { follow, limits, 'rollOut.$': '$.rollOut' },
    resultPath: '$.rollOut',
    retries: [STOPPING],
    next: RollOutStateName.WaitForRollOut,
    catchers: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.stopError', Next: StateName.RollBack }],
  }),
});

const lockStates = (tasks: Tasks) => ({
  ...leaseStates(tasks, StateName.RollBack, goOnTo(StateName.RollBack)),
  [StateName.ReleaseLease]: tasks.invoke('release-lease', {
    comment: 'Frees the lease if this execution holds it. If that fails, the next run takes it over.',
    resultPath: null,
    next: StateName.SignalRollBack,
    catchers: [goOnTo(StateName.SignalRollBack)],
  }),
});

const AFTER_ROLL_BACK = {
  'code-only': StateName.SignalRollBack,
  restore: StateName.SignalRollBack,
  down: StateName.ReleaseLease,
  none: StateName.Failed,
} as const;

const rollBackStates = ({ invoke }: Tasks, { policy, target }: RollOutDefinitionProps) => ({
  [StateName.RollBack]: invoke('roll-back', {
    comment:
      "Builds the run's new verdict; reverts what the run applied, if that is the policy, the old version runs and the lease is held.",
    parameters: {
      policy,
      'followed.$': '$.followed',
      'request.$': '$.request',
      'rollOut.$': '$.rollOut',
      'stopError.$': '$.stopError',
    },
    resultPath: '$.verdict',
    next: AFTER_ROLL_BACK[policy],
    catchers: [
      { ErrorEquals: ['States.ALL'], ResultPath: '$.rollBackError', Next: StateName.RollBackFailed },
    ],
  }),
  [StateName.RollBackFailed]: {
    Type: 'Pass',
    Comment: 'Roll back itself failed: the verdict can only say so. The ledger knows what is applied.',
    Parameters: unfinishedSendingBack(target),
    ResultPath: '$.verdict',
    Next: AFTER_ROLL_BACK[policy],
  },
});

const signalStates = ({ signal }: Tasks, { restore }: RollOutDefinitionProps) => ({
  [StateName.SignalRollBack]: signal({
    comment: 'Tells deployers to go back to the old version, after the run had told them to roll out.',
    detailType: EventType.rollBack,
    next: restore ? RollOutStateName.RestoreDatabase : StateName.Failed,
    catchers: [goOnTo(StateName.FailedUnsignalled)],
  }),
  [StateName.FailedUnsignalled]: {
    ...FAILED,
    Comment: 'As Failed, but deployers have not been told.',
    CausePath:
      "States.Format('{} {} {} Roll back could not be signalled.', $.verdict.message, $.verdict.state, $.verdict.next)",
  },
});

const endStates = () => ({
  [StateName.Succeeded]: {
    Type: 'Succeed',
    Comment: 'The output says how the roll-out went: healthy, or left alone and why.',
    OutputPath: '$.rollOut',
  },
  [StateName.Failed]: FAILED,
  [RollOutStateName.FailedUnfollowed]: {
    Type: 'Fail',
    Comment: 'How the roll-out is could not be seen. Nothing was done about it, and nothing is contracted.',
    ErrorPath: '$.error.Error',
    CausePath:
      "States.Format('The roll-out is not followed any more, and nothing was done about it: {}', States.JsonToString($.error))",
  },
});
