/** The coordinator as an action of CodePipeline: it succeeds when everything is applied, and fails otherwise. */
import { GlobalVariables } from 'aws-cdk-lib/aws-codepipeline';
import { StateMachineInput, StepFunctionInvokeAction } from 'aws-cdk-lib/aws-codepipeline-actions';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { StartInput } from '../core/workflow/payloads.ts';

export interface PipelineActionOptions {
  /** @default 'Migrate' */
  readonly actionName?: string;
  /** @default 1 */
  readonly runOrder?: number;
  /** Apply nothing beyond this revision. @default everything in the bundle */
  readonly toRevision?: string;
}

/** No execution name is given: CodePipeline uses the action's own execution id, which is new at every retry. */
export function migrateAction(
  stateMachine: IStateMachine,
  { actionName = 'Migrate', runOrder = 1, toRevision }: PipelineActionOptions,
): StepFunctionInvokeAction {
  const input: StartInput = {
    reason: `pipeline execution ${GlobalVariables.executionId}`,
    ...(toRevision === undefined ? {} : { toRevision }),
  };
  return new StepFunctionInvokeAction({
    actionName,
    runOrder,
    stateMachine,
    stateMachineInput: StateMachineInput.literal(input),
  });
}
