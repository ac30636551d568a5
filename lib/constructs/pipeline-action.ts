/** The coordinator as an action of CodePipeline: it succeeds when everything is applied, and fails otherwise. */
import {
  type ActionBindOptions,
  type ActionConfig,
  type ArtifactPath,
  GlobalVariables,
  type IStage,
} from 'aws-cdk-lib/aws-codepipeline';
import { StateMachineInput, StepFunctionInvokeAction } from 'aws-cdk-lib/aws-codepipeline-actions';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StartInput } from '../core/workflow/payloads.ts';
import { decryptExecutions } from './grants.ts';
import { refuse } from './refuse.ts';

export interface PipelineActionOptions {
  /** @default 'Migrate' */
  readonly actionName?: string;
  /** @default 1 */
  readonly runOrder?: number;
  /** Apply nothing beyond this revision. @default everything in the bundle */
  readonly toRevision?: string;
  /** Apply migrations of this phase only: `expand` before the app is deployed, `contract` after. @default all phases */
  readonly phase?: 'expand' | 'contract';
  /**
   * A file of an artifact that is the run's whole input, as `lockstep bundle --to … --json` prints it; not together with
   * the two above. @default the input is made of them
   */
  readonly inputFile?: ArtifactPath;
}

/** No execution name is given: CodePipeline uses the action's own execution id, which is new at every retry. */
export class MigrateAction extends StepFunctionInvokeAction {
  private readonly decrypt: PolicyStatement | undefined;
  private readonly inputFile: ArtifactPath | undefined;

  constructor(
    stateMachine: StateMachine,
    encryptionKey: IKey | undefined,
    { actionName = 'Migrate', runOrder = 1, toRevision, phase, inputFile }: PipelineActionOptions,
  ) {
    const input: StartInput = {
      reason: `pipeline execution ${GlobalVariables.executionId}`,
      ...(toRevision === undefined ? {} : { toRevision }),
      ...(phase === undefined ? {} : { phase }),
    };
    if (inputFile && (toRevision !== undefined || phase !== undefined))
      refuse(
        stateMachine,
        `The action ${actionName} has an inputFile, which is the run's whole input: write toRevision and phase into it.`,
      );
    const stateMachineInput = inputFile
      ? StateMachineInput.filePath(inputFile)
      : StateMachineInput.literal(input);
    super({ actionName, runOrder, stateMachine, stateMachineInput });
    this.inputFile = inputFile;
    this.decrypt = encryptionKey && decryptExecutions(stateMachine, encryptionKey);
  }

  protected override bound(scope: Construct, stage: IStage, options: ActionBindOptions): ActionConfig {
    if (this.decrypt) options.role.addToPrincipalPolicy(this.decrypt);
    const config = super.bound(scope, stage, options);
    if (!this.inputFile) return config;
    // CDK writes `ARTIFACT::PATH`; the action's reference asks for the path within its one artifact.
    return { ...config, configuration: { ...config.configuration, Input: this.inputFile.fileName } };
  }
}
