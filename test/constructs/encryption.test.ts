/** A key of one's own covers what Lockstep keeps, and whoever needs it may use it. */
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { beforeAll, describe, expect, test } from 'vitest';
import { coordinatorStack, inIsolatedSubnets, pipelineWithSource, SYNTHESIS_MS, VARIANTS } from './stacks.ts';
import { printed, rightsOf } from './statements.ts';

let template: Template;
beforeAll(() => {
  template = VARIANTS['a key of its own']().template;
}, SYNTHESIS_MS);

const KEY = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] };

describe('a key of its own encrypts', () => {
  test('the lease table', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: KEY },
    });
  });

  test('the executions and the definition of the state machine', () => {
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      EncryptionConfiguration: { Type: 'CUSTOMER_MANAGED_KMS_KEY', KmsKeyId: KEY },
    });
  });

  test("all log groups: the functions' and the state machine's", () => {
    template.resourceCountIs('AWS::Logs::LogGroup', 8);
    template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: KEY });
  });
});

test('CloudWatch Logs may use it for log groups of this account, and deliver with it', () => {
  const [key] = Object.values(template.findResources('AWS::KMS::Key'));
  const [owner, ...others] = key?.Properties.KeyPolicy.Statement.map(printed) ?? [];
  expect(owner).toContain('Principal AWS arn:<Partition>:iam::<AccountId>:root');
  expect(others).toEqual([
    'Action kms:Encrypt, kms:Decrypt, kms:ReEncrypt*, kms:GenerateDataKey*, kms:DescribeKey Condition ArnLike kms:EncryptionContext:aws:logs:arn arn:<Partition>:logs:<Region>:<AccountId>:log-group:* Effect Allow Principal Service logs.<Region>.amazonaws.com Resource *',
    'Action kms:Decrypt* Effect Allow Principal Service delivery.logs.amazonaws.com Resource *',
  ]);
});

describe('who asks how a run ended may decrypt the answer', () => {
  const DECRYPT = expect.stringMatching(
    /^Allow kms:Decrypt on <.*Key.*Arn> if StringEquals kms:EncryptionContext:aws:states:stateMachineArn <.*StateMachine>$/,
  );

  test('through grantStartMigration', () => {
    const made = VARIANTS['a key of its own']();
    const role = new Role(made.stack, 'Deployer', {
      assumedBy: new ServicePrincipal('codebuild.amazonaws.com'),
    });
    made.coordinator.grantStartMigration(role).assertSuccess();
    expect(rightsOf(made.template, 'Deployer')).toContainEqual(DECRYPT);
  });

  test('through a pipeline', () => {
    const made = VARIANTS['a key of its own']();
    made.coordinator.addToPipeline(pipelineWithSource(made.stack).addStage({ stageName: 'Migrate' }));
    const rights = rightsOf(made.template, 'PipelineMigrateCodePipelineActionRole');
    expect(rights).toContainEqual(DECRYPT);
  });
});

test('a key that another app owns is used, and left as it is', () => {
  const arn = 'arn:aws:kms:eu-west-1:123456789012:key/1';
  const { template: other } = coordinatorStack((own) => ({
    ...inIsolatedSubnets(own),
    encryptionKey: Key.fromKeyArn(own, 'Key', arn),
  }));
  other.resourceCountIs('AWS::KMS::Key', 0);
  other.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: arn });
  expect(rightsOf(other, 'migrateRole').filter((right) => right.includes('kms:'))).toEqual([
    expect.stringContaining(` on ${arn} if StringEquals kms:ViaService dynamodb.<Region>.amazonaws.com`),
  ]);
});
