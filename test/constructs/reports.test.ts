/** Where reports of runs are kept: nothing of it exists unless it is asked for. */
import type { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { StateName } from '../../lib/core/workflow/index.ts';
import type { ReportOptions } from '../../lib/index.ts';
import { auroraStack, coordinatorStack, inIsolatedSubnets, SYNTHESIS_MS, VARIANTS } from './stacks.ts';
import { printed, rightsOf } from './statements.ts';
import { APPLIED, FAILED, failing, reportDefinition, runMachine } from './workflow-machine.ts';

const stackWith = (options: (bucket: (id: string) => IBucket) => ReportOptions, encrypted = false) =>
  coordinatorStack((stack) => ({
    ...inIsolatedSubnets(stack),
    reports: options((id) => {
      const encryptionKey = encrypted ? new Key(stack, 'Key') : undefined;
      return new Bucket(stack, id, encryptionKey ? { encryptionKey } : {}) as IBucket;
    }),
  })).template;

const variablesOf = (template: Template): Record<string, unknown> => {
  const [found] = Object.entries(template.findResources('AWS::Lambda::Function')).filter(([id]) =>
    id.includes('keepreport'),
  );
  return found?.[1].Properties.Environment.Variables;
};
/** Beside logs, traces and network interfaces. */
const ownRights = (template: Template): string[] =>
  rightsOf(template, 'ReportskeepreportRole').filter((right) => !/ (logs|xray|ec2):/.test(right));

let template: Template;
beforeAll(() => {
  template = VARIANTS['reports of runs']().template;
}, SYNTHESIS_MS);

describe('the bucket', () => {
  test('is private, encrypted, reached over TLS only, forgets after a year, and stays when the stack goes', () => {
    template.resourceCountIs('AWS::S3::Bucket', 1);
    template.hasResource('AWS::S3::Bucket', {
      Properties: {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        LifecycleConfiguration: { Rules: [{ ExpirationInDays: 365, Status: 'Enabled' }] },
      },
      DeletionPolicy: 'Retain',
    });
    const [policy] = Object.values(template.findResources('AWS::S3::BucketPolicy'));
    const denied = policy?.Properties.PolicyDocument.Statement.map(printed);
    expect(denied).toEqual([
      expect.stringContaining('Bool aws:SecureTransport false Effect Deny Principal AWS *'),
      expect.stringContaining('NumericLessThan s3:TlsVersion 1.2 Effect Deny Principal AWS *'),
    ]);
  });

  test('may be one of the app, which says for how long it keeps objects, and with which key', () => {
    const own = stackWith((bucket) => ({ bucket: bucket('Own'), prefix: 'runs/' }), true);
    own.resourceCountIs('AWS::S3::Bucket', 1);
    expect(printed(variablesOf(own).LOCKSTEP_REPORT_BUCKET)).toBe('<Own>');
    expect(ownRights(own)).toEqual([
      'Allow kms:GenerateDataKey on <Key.Arn> if StringEquals kms:ViaService s3.<Region>.amazonaws.com',
      'Allow s3:PutObject on <Own.Arn>/runs/*',
      expect.stringMatching(/^Allow secretsmanager:/),
    ]);
  });

  test('keeps what it is told to, in whole days', () => {
    const days = stackWith(() => ({ keepDays: 30 })).findResources('AWS::S3::Bucket');
    expect(JSON.stringify(days)).toContain('"ExpirationInDays":30');
    expect(() => stackWith(() => ({ keepDays: 0.5 }))).toThrow(
      'reports.keepDays is not a whole number of days',
    );
  });
});

test('the function may log in and put objects under the prefix, and nothing else', () => {
  expect(ownRights(template)).toEqual([
    'Allow s3:PutObject on <ReportsBucket.Arn>/lockstep/*',
    'Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on <DatabaseSecretAttachment>',
  ]);
  expect(printed(variablesOf(template).LOCKSTEP_REPORT_BUCKET)).toBe('<ReportsBucket>');
  expect(variablesOf(template).LOCKSTEP_REPORT_PREFIX).toBe('lockstep/');
  const invoked = rightsOf(template, 'StateMachineRole').filter((right) => right.includes('keepreport'));
  expect(invoked).toEqual(['Allow lambda:InvokeFunction on <ReportskeepreportFunction.Arn>']);
});

test('from isolated subnets S3 is reached by a gateway', () => {
  const services = (from: Template) =>
    Object.values(from.findResources('AWS::EC2::VPCEndpoint')).map(({ Properties }) =>
      printed(Properties.ServiceName),
    );
  expect(services(template)).toContain('com.amazonaws.<Region>.s3');
  expect(services(auroraStack().template)).not.toContain('com.amazonaws.<Region>.s3');
});

test('without the option there is no bucket, no function, no state and no setting', () => {
  const common = auroraStack().template;
  common.resourceCountIs('AWS::S3::Bucket', 0);
  expect(JSON.stringify(common.toJSON())).not.toMatch(/keep-?report|Keep report|REPORT_BUCKET/);
});

describe('a run', () => {
  const WHERE = { uri: 's3://b/k', url: 'https://console' };
  const kept = (verdict: object) => [{ ...verdict, report: WHERE }];

  test('that applied something keeps its report after the lease is free, and signals where it is', async () => {
    const answers = { [StateName.KeepReport]: kept(APPLIED) };
    const { visited, inputs, output } = await runMachine(answers, reportDefinition);
    expect(visited.slice(-4)).toEqual([
      StateName.ReleaseLease,
      StateName.KeepReport,
      StateName.SignalRollOut,
      StateName.Succeeded,
    ]);
    expect(inputs[StateName.KeepReport]).toMatchObject([{ verdict: APPLIED }]);
    expect(JSON.stringify(inputs[StateName.SignalRollOut])).toContain(WHERE.uri);
    expect(output).toEqual({ ...APPLIED, report: WHERE });
  });

  test('that failed does the same before roll back is signalled', async () => {
    const { visited, inputs } = await runMachine(
      {
        [StateName.Migrate]: [failing('MigrationFailedError')],
        [StateName.KeepReportOfFailure]: kept(FAILED),
      },
      reportDefinition,
    );
    expect(visited.slice(-4)).toEqual([
      StateName.ReleaseLeaseAfterFailure,
      StateName.KeepReportOfFailure,
      StateName.SignalRollBack,
      StateName.Failed,
    ]);
    expect(JSON.stringify(inputs[StateName.SignalRollBack])).toContain(WHERE.uri);
  });

  test('goes on with its verdict as it is when the function dies', async () => {
    const answers = { [StateName.KeepReport]: [failing('Lambda.Unknown')] };
    const { visited, output } = await runMachine(answers, reportDefinition);
    expect(visited).toContain(StateName.SignalRollOut);
    expect(output).toEqual(APPLIED);
  });
});
