/** What comes after a healthy roll-out, as states of the machine that follows it: a run of the workflow that contracts. */
import { ErrorName } from '../core/errors/catalogue.ts';
import { RollOutStateName, StateName } from '../core/workflow/state-name.ts';
import { nameAfterExecution, startExecution } from './workflow-follow-roll-out.ts';
import type { Retrier } from './workflow-retry.ts';
import type { Catcher, TaskStates } from './workflow-task.ts';

export const UNFOLLOWED: Catcher = {
  ErrorEquals: ['States.ALL'],
  ResultPath: '$.error',
  Next: RollOutStateName.FailedUnfollowed,
};

/** Instances of the old version count as gone a minute and a half after their last sign of life. */
const OLD_INSTANCES: Retrier = {
  ErrorEquals: [ErrorName.Contract],
  IntervalSeconds: 60,
  BackoffRate: 1,
  MaxAttempts: 10,
  MaxDelaySeconds: 60,
};

const UNCONTRACTED: Catcher = { ...UNFOLLOWED, Next: RollOutStateName.FailedUncontracted };
const REASON = "States.Format('the roll-out after the run {} is healthy', $.followed.id)";

export const contractStates = ({ invoke }: TaskStates<'plan'>, workflowArn: string, partition: string) => ({
  [RollOutStateName.PlanContract]: invoke('plan', {
    comment:
      'Looks whether there is anything to contract, and whether older instances of the app still live.',
    parameters: { request: { phase: 'contract', 'bundle.$': '$.bundle', 'reason.$': REASON } },
    resultSelector: { 'outcome.$': '$.outcome' },
    resultPath: '$.contract',
    retries: [OLD_INSTANCES],
    next: RollOutStateName.AnythingToContract,
    catchers: [UNCONTRACTED],
  }),
  [RollOutStateName.AnythingToContract]: {
    Type: 'Choice',
    Comment: 'If so, a run of its own does it, with its own lease and its own verdict.',
    Choices: [
      { Variable: '$.contract.outcome', StringEquals: 'pending', Next: RollOutStateName.StartContract },
    ],
    Default: StateName.Succeeded,
  },
  [RollOutStateName.StartContract]: {
    ...startExecution(partition, {
      StateMachineArn: workflowArn,
      'Name.$': nameAfterExecution('contract'),
      Input: {
        'AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$': '$$.Execution.Id',
        phase: 'contract',
        'bundle.$': '$.bundle',
        'reason.$': REASON,
      },
    }),
    Comment: 'Starts a run of the phase contract, once.',
    Catch: [UNCONTRACTED],
    Next: StateName.Succeeded,
  },
  [RollOutStateName.FailedUncontracted]: {
    Type: 'Fail',
    Comment: 'The new version is well. A run of the phase contract can be started at any time.',
    ErrorPath: '$.error.Error',
    CausePath:
      "States.Format('The roll-out is healthy, but its contract run was not started: {}', States.JsonToString($.error))",
  },
});
