/** The states in which a run ends: what becomes of one that failed, and how others learn of it. */
import { ErrorName } from '../core/errors/catalogue.ts';
import { EventType } from '../core/rollout/signal.ts';
import { StateName } from '../core/workflow/state-name.ts';
import type { WorkflowDefinitionProps } from './workflow-definition.ts';
import { FAILED, goOnTo } from './workflow-shared.ts';
import { ROLL_BACK, type TaskStates } from './workflow-task.ts';
import { unfinishedVerdict } from './workflow-verdict.ts';

export const rollBackStates = (
  { invoke }: TaskStates,
  { target, report }: Pick<WorkflowDefinitionProps, 'target' | 'report'>,
  failed = report ? StateName.KeepReportOfFailure : StateName.SignalRollBack,
) => ({
  [StateName.RollBack]: invoke('roll-back', {
    comment:
      'Finds out what this run applied, reverts it if that is the policy and the lease is held, and builds the verdict.',
    parameters: { 'error.$': '$.error', 'request.$': '$$.Execution.Input' },
    resultPath: '$.verdict',
    next: StateName.ReleaseLeaseAfterFailure,
    catchers: [
      { ErrorEquals: ['States.ALL'], ResultPath: '$.rollBackError', Next: StateName.RollBackFailed },
    ],
  }),
  [StateName.RollBackFailed]: {
    Type: 'Pass',
    Comment:
      'Roll back itself failed: the verdict can only say so. The ledger knows what is applied: lockstep status.',
    Parameters: unfinishedVerdict(target),
    ResultPath: '$.verdict',
    Next: StateName.ReleaseLeaseAfterFailure,
  },
  [StateName.ReleaseLeaseAfterFailure]: invoke('release-lease', {
    comment: 'Frees the lease if this run holds it. If that fails, the next run takes it over.',
    resultPath: null,
    next: failed,
    catchers: [goOnTo(failed)],
  }),
});

export const signalStates = ({ signal }: TaskStates) => ({
  [StateName.SignalRollOut]: signal({
    comment: 'Tells deployers that the database is ready for the new version.',
    detailType: EventType.rollOut,
    next: StateName.Succeeded,
    catchers: [ROLL_BACK],
  }),
  [StateName.SignalRollBack]: signal({
    comment: 'Tells deployers to keep the old version.',
    detailType: EventType.rollBack,
    next: StateName.Failed,
    catchers: [goOnTo(StateName.FailedUnsignalled)],
  }),
  [StateName.Succeeded]: {
    Type: 'Succeed',
    Comment: 'The output is the verdict: what was applied, and what is true of the database now.',
    OutputPath: '$.verdict',
  },
  [StateName.Failed]: FAILED,
  [StateName.FailedUnsignalled]: {
    Type: 'Fail',
    Comment: 'As Failed, but deployers have not been told; the clean-up tries again to tell them.',
    Error: ErrorName.Signal,
    CausePath:
      "States.Format('{} {} {} Roll back could not be signalled: the clean-up function tries again.', $.verdict.message, $.verdict.state, $.verdict.next)",
  },
});
