/** The coordinator in a pipeline, and the example that has a whole one. */
import { Match, Template } from 'aws-cdk-lib/assertions';
import type { Pipeline } from 'aws-cdk-lib/aws-codepipeline';
import { ManualApprovalAction } from 'aws-cdk-lib/aws-codepipeline-actions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { beforeAll, describe, expect, test } from 'vitest';
import { pipelineApp } from '../../examples/pipeline/app.ts';
import { startInputSchema } from '../../lib/core/workflow/index.ts';
import { APP_PROPS, auroraStack, pipelineWithSource, SYNTHESIS_MS } from './stacks.ts';
import { printed, rightsOf } from './statements.ts';

const EXECUTIONS =
  'Allow states:DescribeExecution on arn:<Partition>:states:<Region>:<AccountId>:execution:<StateMachine.Name>:*';

interface Action {
  readonly Name: string;
  readonly RunOrder: number;
  readonly ActionTypeId: Readonly<Record<string, string>>;
  readonly Configuration: Readonly<Record<string, string>>;
}
interface Stage {
  readonly Name: string;
  readonly Actions: readonly Action[];
  readonly OnFailure?: object;
}
function pipelineOf(template: Template): {
  readonly Stages: readonly Stage[];
  readonly PipelineType: string;
} {
  const [pipeline] = Object.values(template.findResources('AWS::CodePipeline::Pipeline'));
  return pipeline?.Properties;
}

describe('the action', () => {
  function actionOf(add: (made: ReturnType<typeof auroraStack>, pipeline: Pipeline) => void) {
    const made = auroraStack();
    add(made, pipelineWithSource(made.stack));
    return { action: pipelineOf(made.template).Stages[1]!.Actions[0]!, template: made.template };
  }

  test('starts the state machine and says which pipeline execution asked', () => {
    const { action, template } = actionOf(({ coordinator }, pipeline) =>
      coordinator.addToPipeline(pipeline.addStage({ stageName: 'Migrate' })),
    );
    expect(action).toMatchObject({
      Name: 'Migrate',
      RunOrder: 1,
      ActionTypeId: { Category: 'Invoke', Owner: 'AWS', Provider: 'StepFunctions', Version: '1' },
    });
    const { StateMachineArn, InputType, Input, ExecutionNamePrefix } = action.Configuration;
    expect(printed(StateMachineArn)).toBe('<StateMachine>');
    expect([InputType, ExecutionNamePrefix]).toEqual(['Literal', undefined]);
    const input = JSON.parse(String(Input));
    expect(input).toEqual({ reason: 'pipeline execution #{codepipeline.PipelineExecutionId}' });
    expect(startInputSchema.parse(input)).toEqual(input);
    expect(rightsOf(template, 'PipelineMigrateCodePipelineActionRole')).toEqual([
      expect.stringMatching(
        /^Allow states:DescribeExecution on arn:.*<StateMachine>:execution:.*<StateMachine>:\*$/,
      ),
      'Allow states:DescribeStateMachine states:StartExecution on <StateMachine>',
    ]);
  });

  test('takes a name, an order, a revision and a phase, and is an action like any other', () => {
    const { action } = actionOf(({ coordinator }, pipeline) =>
      pipeline.addStage({
        stageName: 'Migrate',
        actions: [
          coordinator.toPipelineAction({
            actionName: 'Expand',
            runOrder: 2,
            toRevision: '0042',
            phase: 'expand',
          }),
          new ManualApprovalAction({ actionName: 'Before', runOrder: 1 }),
        ],
      }),
    );
    expect([action.Name, action.RunOrder]).toEqual(['Expand', 2]);
    expect(JSON.parse(String(action.Configuration.Input))).toMatchObject({
      toRevision: '0042',
      phase: 'expand',
    });
  });
});

describe('grantStartMigration', () => {
  test('allows to start runs of this state machine, and to see how they end', () => {
    const made = auroraStack();
    const role = new Role(made.stack, 'Deployer', {
      assumedBy: new ServicePrincipal('codebuild.amazonaws.com'),
    });
    made.coordinator.grantStartMigration(role).assertSuccess();
    expect(rightsOf(made.template, 'Deployer')).toEqual([
      EXECUTIONS,
      'Allow states:StartExecution on <StateMachine>',
    ]);
  });
});

describe('the example', () => {
  let database: Template;
  let pipeline: Template;
  beforeAll(() => {
    const app = pipelineApp(APP_PROPS);
    const [first, second] = app.node.children as [never, never];
    database = Template.fromStack(first);
    pipeline = Template.fromStack(second);
  }, SYNTHESIS_MS);

  test('has a database with a coordinator', () => {
    database.hasResourceProperties('AWS::StepFunctions::StateMachine', Match.anyValue());
    database.hasResourceProperties('AWS::RDS::DBCluster', { Engine: 'aurora-postgresql' });
  });

  test('takes the source, builds, migrates, deploys', () => {
    const { Stages, PipelineType: type } = pipelineOf(pipeline);
    expect(type).toBe('V2');
    expect(
      Stages.map(({ Name, Actions }) => `${Name}: ${Actions.map((a) => a.ActionTypeId.Provider)}`),
    ).toEqual([
      'Source: CodeStarSourceConnection',
      'Build: CodeBuild',
      'Migrate: StepFunctions',
      'Deploy: ECS',
    ]);
  });

  test('rolls back the deployment, and that only', () => {
    const { Stages } = pipelineOf(pipeline);
    expect(Stages.map(({ OnFailure }) => OnFailure)).toEqual([
      undefined,
      undefined,
      undefined,
      { Result: 'ROLLBACK' },
    ]);
  });

  test('brings the new migrations to the coordinator before it runs them', () => {
    const [project] = Object.values(pipeline.findResources('AWS::CodeBuild::Project'));
    expect(printed(project?.Properties.Source.BuildSpec)).toContain('npx cdk deploy OrdersDatabase');
  });
});
