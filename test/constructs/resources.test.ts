/** What the construct makes, as CloudFormation gets it. */
import validate from 'asl-validator';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../lib/core/errors/index.ts';
import { FUNCTION_NAMES, type FunctionName } from '../../lib/core/workflow/index.ts';
import { resolve, type Template as TemplateJson } from '../../lib/local/template.ts';
import { auroraStack, SYNTHESIS_MS, TARGET } from './stacks.ts';
import { printed } from './statements.ts';
import { definition as byDefault } from './workflow-machine.ts';

let template: Template;
beforeAll(() => {
  template = auroraStack().template;
}, SYNTHESIS_MS);

const IN_VPC: readonly FunctionName[] = ['plan', 'migrate', 'roll-back', 'clean-up'];
const idOf = (name: FunctionName) => name.replaceAll('-', '');

function functionOf(name: FunctionName) {
  const found = Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) =>
    id.startsWith(`CoordinatorFunctions${idOf(name)}Function`),
  );
  return found?.[1].Properties;
}

describe('the lease table', () => {
  test('is paid per request, encrypted, recoverable, and stays when the stack goes', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      Properties: {
        KeySchema: [{ AttributeName: 'target', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
      },
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
  });

  test('has no item that goes by itself', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', { TimeToLiveSpecification: Match.absent() });
  });
});

describe.each(FUNCTION_NAMES)('the function %s', (name) => {
  test('runs on a Node that is maintained, is traced, and writes JSON into a log group of its own', () => {
    expect(functionOf(name)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: { LogFormat: 'JSON' },
    });
    expect(printed(functionOf(name).LoggingConfig.LogGroup)).toBe(`<${idOf(name)}Logs>`);
    expect(printed(functionOf(name).Role)).toBe(`<${idOf(name)}Role.Arn>`);
  });

  test('is in the VPC, with the migrations beside it, exactly if it uses the database', () => {
    const { VpcConfig, Layers } = functionOf(name);
    if (!IN_VPC.includes(name)) return expect([VpcConfig, Layers]).toEqual([undefined, undefined]);
    expect(printed(VpcConfig.SecurityGroupIds)).toBe('<SecurityGroup.GroupId>');
    expect(VpcConfig.SubnetIds).toHaveLength(2);
    expect(printed(Layers)).toBe('<Bundle>');
  });

  test('gets names and limits, and no secret', () => {
    expect(
      Object.fromEntries(
        Object.entries(functionOf(name).Environment.Variables).map(([key, value]) => [key, printed(value)]),
      ),
    ).toEqual({
      LOCKSTEP_TARGET: TARGET,
      LOCKSTEP_DATABASE_HOST: '<Database.Endpoint.Address>',
      LOCKSTEP_DATABASE_PORT: '<Database.Endpoint.Port>',
      LOCKSTEP_DATABASE_NAME: 'orders',
      LOCKSTEP_DATABASE_TLS: 'verify',
      LOCKSTEP_DATABASE_SECRET_ARN: '<DatabaseSecretAttachment>',
      LOCKSTEP_BUNDLE_PATH: '/opt/lockstep/bundle.json',
      LOCKSTEP_LEASE_TABLE: '<LeaseTable>',
      LOCKSTEP_LEASE_DURATION_SECONDS: '60',
      LOCKSTEP_LEASE_WAIT_SECONDS: '1800',
      LOCKSTEP_ROLL_BACK_POLICY: 'down',
      LOCKSTEP_OUT_OF_ORDER: 'refuse',
      LOCKSTEP_EVENT_BUS_NAME: 'default',
      LOCKSTEP_RESTORE_POINT: 'rds-cluster',
      LOCKSTEP_RESTORE_POINT_SOURCE: '<Database>',
      LOCKSTEP_RESTORE_POINT_KEEP: '5',
      LOCKSTEP_RESTORE_POINT_METHOD: 'snapshot',
      LOCKSTEP_RESTORE_POINT_WHEN: 'always',
    });
  });
});

describe('the state machine', () => {
  function definition() {
    const { Resources } = template.toJSON() as TemplateJson;
    const machine = Object.values(Resources).find(({ Type }) => Type === 'AWS::StepFunctions::StateMachine');
    const text = resolve({ Resources }, machine?.Properties.DefinitionString);
    return JSON.parse(String(text)) as {
      readonly StartAt: string;
      readonly States: Record<string, Record<string, unknown>>;
    };
  }

  test('is STANDARD, traced, and logs without data', () => {
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      EncryptionConfiguration: Match.absent(),
    });
  });

  test('has a name that its log group bears, below the prefix that needs no policy of its own', () => {
    const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
    const { StateMachineName } = machine?.Properties ?? {};
    expect(StateMachineName).toMatch(/^[\w-]{1,80}$/);
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: `/aws/vendedlogs/states/${StateMachineName}`,
    });
  });

  test('is valid as it is synthesized, and has every state that nobody has to ask for', () => {
    expect(validate(definition(), { checkPaths: true, checkArn: true }).isValid).toBe(true);
    expect(Object.keys(definition().States).toSorted()).toEqual(Object.keys(byDefault.States).toSorted());
  });

  test('takes {} as input: states read the input as a whole', () => {
    const { StartAt, States } = definition();
    expect(States[StartAt]?.Parameters).toMatchObject({ 'request.$': '$$.Execution.Input' });
    const text = JSON.stringify(States);
    expect(new Set(text.match(/\$\$\.Execution\.Input[^"]*/g))).toEqual(new Set(['$$.Execution.Input']));
  });

  test('names no error that is neither in the catalogue nor of AWS', () => {
    const names = [...JSON.stringify(definition()).matchAll(/"ErrorEquals":(\[[^\]]*\])/g)].flatMap(
      ([, list]) => JSON.parse(String(list)) as string[],
    );
    const known = new Set<string>(Object.values(CATALOGUE).map(({ name }) => name));
    expect(names.length).toBeGreaterThan(20);
    expect(
      names.filter((name) => !known.has(name) && !/^(States|Lambda|Sandbox|Runtime)\./.test(name)),
    ).toEqual([]);
  });
});

describe('the clean-up', () => {
  test('is started by the end of a run that was stopped, timed out or failed', () => {
    const [rule, ...more] = Object.values(template.findResources('AWS::Events::Rule'));
    expect(more).toEqual([]);
    const { source, detail, ...pattern } = rule?.Properties.EventPattern ?? {};
    expect(source).toEqual(['aws.states']);
    expect(pattern['detail-type']).toEqual(['Step Functions Execution Status Change']);
    expect(printed(detail.stateMachineArn)).toBe('<StateMachine>');
    expect(detail.status).toEqual(['ABORTED', 'TIMED_OUT', 'FAILED']);
    expect(rule?.Properties.Targets.map(({ Arn }: { Arn: object }) => printed(Arn))).toEqual([
      '<cleanupFunction.Arn>',
    ]);
  });

  test('is tried again, and its event is kept for two weeks when that does not help', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
    template.hasResourceProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ DeadLetterConfig: { Arn: Match.anyValue() } })],
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 14 * 24 * 3600,
      SqsManagedSseEnabled: true,
    });
  });
});
