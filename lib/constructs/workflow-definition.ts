/**
 * The state machine in Amazon States Language (JSONPath), as data: lib/core/workflow has the diagram.
 *
 * It is written out, not composed of task constructs, because people read it in the console as it stands here,
 * the local runtime runs the very same text, and a task construct would also be allowed to invoke every version
 * and alias of a function (`<arn>:*`).
 *
 * Invariants
 * - `run` comes from the context object in every task: there is no state after which it could be missing. Nor can the
 *   execution's input change: whichever bundle it names, all states use, also when they are tried again or redriven.
 * - Plan and Migrate return the whole state; every other task adds one field or nothing.
 * - The only way to "Signal roll out" is past "Anything pending?" with nothing pending, or past "All applied?". Where
 *   roll-outs are followed, that has begun before it is signalled.
 * - Whatever fails, fails into "Roll back", except a release (a lease that cannot be released is taken over
 *   later, and no reason to revert) and what comes after the roll back. A roll-out signal that cannot be sent
 *   fails the run, so that the next one, with nothing pending, sends it.
 */
import type { Duration } from 'aws-cdk-lib';
import { ErrorName } from '../core/errors/catalogue.ts';
import { StateName } from '../core/workflow/state-name.ts';
import { type ApprovalState, approvalStates } from './workflow-approval.ts';
import { rollBackStates, signalStates } from './workflow-ends.ts';
import { type FollowRollOut, followRollOutStates } from './workflow-follow-roll-out.ts';
import { type LongRunningState, migrateInTaskState } from './workflow-long-running.ts';
import { type RehearsalState, rehearsalStates } from './workflow-rehearsal.ts';
import { type ReportState, reportStates } from './workflow-report.ts';
import { goOnTo, leaseStates } from './workflow-shared.ts';
import { type AslState, ROLL_BACK, type TaskProps, type TaskStates, taskStates } from './workflow-task.ts';

export interface WorkflowDefinitionProps extends TaskProps {
  readonly target: string;
  readonly runTimeout: Duration;
  /** Undefined: the machine has no state for it. */
  readonly longRunning?: LongRunningState | undefined;
  /** Undefined: no plan waits for a person. */
  readonly approval?: ApprovalState | undefined;
  /** Undefined: no reports are kept. */
  readonly report?: ReportState | undefined;
  /** Undefined: no copies are made. */
  readonly rehearsal?: RehearsalState | undefined;
  /** Undefined: roll-outs are not followed. */
  readonly followRollOut?: FollowRollOut | undefined;
}

export interface AslDefinition {
  readonly Comment: string;
  readonly StartAt: string;
  readonly TimeoutSeconds: number;
  readonly States: Readonly<Record<CommonState, AslState>> &
    Readonly<Partial<Record<OptionalState, AslState>>>;
}

type OptionalState = (typeof StateName)[
  | 'MigrateInTask'
  | 'ApprovalNeeded'
  | 'AskForApproval'
  | 'CheckApproval'
  | 'KeepReport'
  | 'KeepReportOfFailure'
  | 'RehearsalNeeded'
  | 'MakeCopy'
  | 'CopyReady'
  | 'WaitForCopy'
  | 'Rehearse'
  | 'RemoveCopy'
  | 'CheckRehearsal'
  | 'RemoveCopyAfterFailure'
  | 'RollOutToFollow'
  | 'FollowRollOut'];
type CommonState = Exclude<StateName, OptionalState>;

export const workflowDefinition = (props: WorkflowDefinitionProps): AslDefinition => {
  const tasks = taskStates(props);
  const rollOut = props.followRollOut ? StateName.RollOutToFollow : StateName.SignalRollOut;
  return {
    Comment: `Lockstep: migrates ${props.target} and signals whether to roll out. Start it with {} as input; toRevision, phase, forceContract, reason, dryRun and bundle are optional.`,
    StartAt: StateName.Plan,
    TimeoutSeconds: props.runTimeout.toSeconds(),
    States: {
      ...planStates(tasks, props, rollOut),
      ...restorePointStates(tasks),
      ...leaseStates(tasks, StateName.Migrate, ROLL_BACK),
      ...migrateStates(tasks, props, props.report ? StateName.KeepReport : rollOut),
      ...rollBackStates(tasks, props),
      ...(props.report ? reportStates(props.report, props, rollOut) : {}),
      ...(props.followRollOut ? followRollOutStates(props.followRollOut, props.partition, ROLL_BACK) : {}),
      ...signalStates(tasks),
    },
  };
};

/** What a plan that is made again is told of the one before. */
const againOf = ({ approval, rehearsal }: WorkflowDefinitionProps) => ({
  ...(approval ? { 'approval.$': '$.approval' } : {}),
  ...(rehearsal ? { 'rehearsal.$': '$.rehearsal' } : {}),
});

/** Where a plan is made again that knows of the one before. */
const replanState = ({ approval, rehearsal }: WorkflowDefinitionProps): StateName => {
  if (rehearsal) return StateName.CheckRehearsal;
  return approval ? StateName.CheckApproval : StateName.Plan;
};

const firstOf = ({ approval }: WorkflowDefinitionProps): StateName =>
  approval ? StateName.ApprovalNeeded : StateName.TakeRestorePoint;

const planStates = (tasks: TaskStates, props: WorkflowDefinitionProps, rollOut: StateName) => ({
  [StateName.Plan]: tasks.invoke('plan', {
    comment: 'Compares the ledger in the database with the bundle. Reads only.',
    parameters: { 'request.$': '$$.Execution.Input' },
    next: StateName.AnythingPending,
    catchers: [ROLL_BACK],
  }),
  [StateName.AnythingPending]: {
    Type: 'Choice',
    Comment: 'Nothing pending, or a database that is ahead of this bundle: roll out at once, change nothing.',
    Choices: [
      { Variable: '$.outcome', StringEquals: 'nothing-pending', Next: rollOut },
      { Variable: '$.outcome', StringEquals: 'ahead', Next: rollOut },
      { Variable: '$.outcome', StringEquals: 'dry-run', Next: StateName.Succeeded },
    ],
    Default: props.rehearsal ? StateName.RehearsalNeeded : firstOf(props),
  },
  ...(props.rehearsal ? rehearsalStates(tasks, props, props.rehearsal, againOf(props), firstOf(props)) : {}),
  ...(props.approval ? approvalStates(tasks, props.approval, props.partition, againOf(props)) : {}),
});

const restorePointStates = ({ invoke }: TaskStates) => ({
  [StateName.TakeRestorePoint]: invoke('take-restore-point', {
    comment: 'Begins a snapshot or a clone of the database, or looks how far it is. No lease is held yet.',
    parameters: { 'plan.$': '$.plan', 'restorePoint.$': '$.restorePoint' },
    resultPath: '$.restorePoint',
    next: StateName.RestorePointReady,
    catchers: [ROLL_BACK],
  }),
  [StateName.RestorePointReady]: {
    Type: 'Choice',
    Comment: 'Ready when it is available, or when none is taken for this database.',
    Choices: [
      { Variable: '$.restorePoint.status', StringEquals: 'available', Next: StateName.AcquireLease },
      { Variable: '$.restorePoint.status', StringEquals: 'none', Next: StateName.AcquireLease },
    ],
    Default: StateName.WaitForRestorePoint,
  },
  [StateName.WaitForRestorePoint]: {
    Type: 'Wait',
    Comment: 'It is being created. Migrations have not begun; stopping the run here is harmless.',
    SecondsPath: '$.restorePoint.waitSeconds',
    Next: StateName.TakeRestorePoint,
  },
});

const NEXT_IN_TASK = {
  And: [
    { Variable: '$.progress.next', IsPresent: true },
    { Variable: '$.progress.next', StringEquals: 'task' },
  ],
  Next: StateName.MigrateInTask,
};

const migrateStates = ({ invoke }: TaskStates, props: WorkflowDefinitionProps, applied: StateName) => ({
  [StateName.Migrate]: invoke('migrate', {
    comment:
      'Applies pending migrations in order, as many as fit into one call. Each is applied whole or not at all.',
    parameters: {
      'plan.$': '$.plan',
      'restorePoint.$': '$.restorePoint',
      'progress.$': '$.progress',
      ...againOf(props),
    },
    next: StateName.AllApplied,
    catchers: [
      {
        ErrorEquals: [ErrorName.PlanStale, ErrorName.LeaseLost, ErrorName.StaleAttempt],
        ResultPath: '$.error',
        Next: StateName.ReleaseLeaseForReplan,
      },
      ROLL_BACK,
    ],
  }),
  [StateName.AllApplied]: {
    Type: 'Choice',
    Comment: 'If not, Migrate is called again and goes on where it stopped.',
    Choices: [
      { Variable: '$.progress.outcome', StringEquals: 'applied', Next: StateName.ReleaseLease },
      ...(props.longRunning ? [NEXT_IN_TASK] : []),
    ],
    Default: StateName.Migrate,
  },
  ...(props.longRunning
    ? { [StateName.MigrateInTask]: migrateInTaskState(props.longRunning, props.partition) }
    : {}),
  [StateName.ReleaseLease]: invoke('release-lease', {
    comment: 'Everything is applied. If the lease cannot be released, the next run takes it over.',
    resultPath: null,
    next: applied,
    catchers: [goOnTo(applied)],
  }),
  [StateName.ReleaseLeaseForReplan]: invoke('release-lease', {
    comment: 'Someone else migrated in the meantime, or took over the lease: the plan is made anew.',
    resultPath: null,
    next: replanState(props),
    catchers: [goOnTo(replanState(props))],
  }),
});
