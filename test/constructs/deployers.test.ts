/** What exists for deployers, what it may do, and that nothing exists for those that nobody asked for. */
import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { DeploymentLifecycleLambdaTarget, DeploymentLifecycleStage } from 'aws-cdk-lib/aws-ecs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { receiversSchema } from '../../lib/core/rollout/index.ts';
import { DEPLOYER_FUNCTION_NAMES, type DeployerFunctionName } from '../../lib/core/workflow/index.ts';
import { resolve, type Template as TemplateJson } from '../../lib/local/template.ts';
import {
  auroraStack,
  coordinatorStack,
  deployersStack,
  fargateService,
  fullStack,
  inIsolatedSubnets,
  SYNTHESIS_MS,
  TARGET,
} from './stacks.ts';
import { printed, rightsOf } from './statements.ts';

let template: Template;
beforeAll(() => {
  template = deployersStack().template;
}, SYNTHESIS_MS);

const HERE = '<Region>:<AccountId>';
const idOf = (name: DeployerFunctionName) => `Deployers${name.replaceAll('-', '')}`;
const DEPLOYMENTS = `arn:<Partition>:ecs:${HERE}:service-deployment/<Cluster>/<Service.Name>`;
const DEAD_LETTERS =
  'Allow sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on <DeployersDeadLetters.Arn>';
const START = 'Allow states:StartExecution on <StateMachine>';
const pipelineRights = (actions: string, resource: string) =>
  `Allow ${actions} on arn:<Partition>:codepipeline:${HERE}:${resource}`;

/** Beside logs, traces and asking how executions are. */
const OF_ITS_OWN: Readonly<Record<DeployerFunctionName, readonly string[]>> = {
  'deliver-verdict': [
    'Allow codedeploy:PutLifecycleEventHookExecutionStatus on arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:app/group',
    pipelineRights(
      'codepipeline:DisableStageTransition codepipeline:EnableStageTransition',
      'release/Deploy',
    ),
    pipelineRights('codepipeline:PutApprovalResult', 'release/Migrate/Approve'),
    `Allow ecs:ContinueServiceDeployment ecs:DescribeServiceDeployments on ${DEPLOYMENTS}/*`,
    'Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on <WebhookSecret>',
    'Allow sns:Publish on <OnCall>',
    'Allow states:ListExecutions on <StateMachine>',
    DEAD_LETTERS,
  ],
  'start-run': [START, `Allow ecs:DescribeServiceDeployments on ${DEPLOYMENTS}/*`, DEAD_LETTERS],
  'answer-ecs-hook': [START],
  'answer-codepipeline-job': [
    START,
    'Allow codepipeline:PutJobFailureResult codepipeline:PutJobSuccessResult on *',
  ],
};

describe('the rights of a role, and no more', () => {
  test.each(DEPLOYER_FUNCTION_NAMES)('%s', (name) => {
    const common = [
      `Allow logs:CreateLogStream logs:PutLogEvents on <${idOf(name)}Logs.Arn>`,
      `Allow states:DescribeExecution on arn:<Partition>:states:${HERE}:execution:<StateMachine.Name>:*`,
      'Allow xray:PutTelemetryRecords xray:PutTraceSegments on *',
    ];
    expect(rightsOf(template, `${idOf(name)}Role`)).toEqual([...common, ...OF_ITS_OWN[name]].toSorted());
  });
});

describe('what is asked for exists', () => {
  test('rules match the events of the one service, of the one target, and what the app names', () => {
    const rules = Object.entries(template.findResources('AWS::Events::Rule')).map(([id, { Properties }]) => [
      id.replace(/^Coordinator(Deployers|Workflow)|[0-9A-F]{8}$/g, ''),
      printed(Properties.EventPattern),
    ]);
    expect(Object.fromEntries(rules)).toEqual({
      PauseHookService: `source aws.ecs detail-type ECS Hook State Change detail eventName HOOK_AWAITING_ACTION resources arn:<Partition>:ecs:${HERE}:service/<Cluster>/<Service.Name>, prefix ${DEPLOYMENTS}/`,
      Published: 'source app detail-type Release Published',
      StoppedRuns: expect.any(String),
      Verdicts: `source lockstep detail-type Lockstep Roll Out, Lockstep Roll Back detail target ${TARGET}`,
    });
  });

  test('the service pauses before it starts a task, and rolls back when nobody answers', () => {
    template.hasResourceProperties('AWS::ECS::Service', {
      DeploymentConfiguration: {
        LifecycleHooks: [
          {
            TargetType: 'PAUSE',
            LifecycleStages: ['PRE_SCALE_UP'],
            TimeoutConfiguration: { TimeoutInMinutes: 120, Action: 'ROLLBACK' },
          },
        ],
      },
    });
  });

  test('the function that delivers knows receivers by names, and no secret', () => {
    const { Resources } = template.toJSON() as TemplateJson;
    const found = Object.entries(Resources).find(
      ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.includes('deliververdict'),
    );
    const { Variables } = found?.[1].Properties.Environment ?? {};
    const receivers = resolve({ Resources }, Variables.LOCKSTEP_RECEIVERS);
    expect(receiversSchema.parse(JSON.parse(String(receivers)))).toEqual({
      topic: expect.stringContaining('OnCall'),
      webhook: { url: 'https://example.com/hooks', secretArn: expect.stringContaining('WebhookSecret') },
      stageTransition: { pipelineName: 'release', stageName: 'Deploy' },
    });
    expect(Object.keys(Variables).toSorted()).toEqual([
      'LOCKSTEP_RECEIVERS',
      'LOCKSTEP_STATE_MACHINE_ARN',
      'LOCKSTEP_TARGET',
    ]);
  });

  test('what cannot be served is kept, and an alarm says so with its page of the runbook', () => {
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
      ({ Properties }) => Properties.AlarmDescription,
    );
    expect(alarms).toContainEqual(
      expect.stringMatching(/a deployer was not told a verdict, or got no run\. .*#alarm-deployer-unserved$/),
    );
  });

  test(
    'with every other option it stays below what a template may have',
    () => {
      const full = fullStack().template.toJSON() as TemplateJson;
      expect(Object.keys(full.Resources).length).toBeLessThan(500);
      expect(JSON.stringify(full).length).toBeLessThan(1_000_000);
    },
    SYNTHESIS_MS,
  );
});

describe('what nobody asks for does not exist', () => {
  const functionsOf = (from: Template) =>
    Object.keys(from.findResources('AWS::Lambda::Function')).flatMap((id) =>
      DEPLOYER_FUNCTION_NAMES.filter((name) => id.includes(idOf(name))),
    );

  test('without receivers and deployers there is no function, no rule, no queue and no alarm for them', () => {
    const { template: common } = auroraStack();
    expect(functionsOf(common)).toEqual([]);
    common.resourceCountIs('AWS::Events::Rule', 1);
    common.resourceCountIs('AWS::SQS::Queue', 1);
    common.resourceCountIs('AWS::CloudWatch::Alarm', 8);
  });

  test('a topic alone brings the function that delivers, which may publish and no more', () => {
    const { template: one } = coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      receivers: { webhook: { url: 'https://example.com', secret: new Secret(stack, 'S') as ISecret } },
    }));
    expect(functionsOf(one)).toEqual(['deliver-verdict']);
    const rights = rightsOf(one, `${idOf('deliver-verdict')}Role`).join('\n');
    expect(rights).not.toMatch(/codepipeline|codedeploy|ecs:|sns:|ListExecutions/);
  });

  test('a Lambda hook alone brings the function that answers it', () => {
    const result = auroraStack();
    result.coordinator.deployers.lambdaHook();
    result.coordinator.deployers.lambdaHook();
    expect(functionsOf(result.template)).toEqual(['answer-ecs-hook']);
  });
});

describe('is refused at synth', () => {
  test('a webhook that is not https', () => {
    expect(() =>
      coordinatorStack((stack) => ({
        ...inIsolatedSubnets(stack),
        receivers: { webhook: { url: 'http://example.com', secret: new Secret(stack, 'S') as ISecret } },
      })),
    ).toThrow('The url of the webhook does not begin with https://.');
  });

  test('a pause hook on a service with other hooks, which it would replace', () => {
    const { stack, coordinator } = auroraStack();
    const service = fargateService(stack);
    coordinator.deployers.pauseHook(service);
    service.addLifecycleHook(
      new DeploymentLifecycleLambdaTarget(coordinator.deployers.lambdaHook(), 'Other', {
        lifecycleStages: [DeploymentLifecycleStage.POST_SCALE_UP],
      }),
    );
    expect(() => Template.fromStack(stack)).toThrow(/use deployers.lambdaHook\(\) beside them/);
  });

  test.each([Duration.seconds(90), Duration.seconds(30), Duration.days(15)])('a pause of %s', (timeout) => {
    const { stack, coordinator } = auroraStack();
    const service = fargateService(stack);
    expect(() => coordinator.deployers.pauseHook(service, { timeout })).toThrow(/whole number of minutes/);
  });
});
