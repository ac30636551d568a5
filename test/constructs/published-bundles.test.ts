/** Bundles from S3: what the construct makes for them, and that it makes nothing where nobody asked for them. */
import { Template } from 'aws-cdk-lib/assertions';
import { Artifact, type Pipeline } from 'aws-cdk-lib/aws-codepipeline';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { publishedSettingSchema } from '../../lib/core/published/index.ts';
import { EnvName } from '../../lib/core/workflow/index.ts';
import { resolve, type Template as TemplateJson } from '../../lib/local/template.ts';
import {
  auroraStack,
  type CoordinatorStack,
  coordinatorStack,
  inIsolatedSubnets,
  pipelineWithSource,
  SYNTHESIS_MS,
  signingKey,
  VARIANTS,
} from './stacks.ts';
import { printed, rightsOf } from './statements.ts';

const releases = 'releases';
const withBundles = (prefix?: string): CoordinatorStack =>
  coordinatorStack((stack) => ({
    ...inIsolatedSubnets(stack),
    bundles: {
      bucket: Bucket.fromBucketName(stack, 'Releases', releases),
      ...(prefix === undefined ? {} : { prefix }),
    },
  }));

let all: Template;
beforeAll(() => {
  all = VARIANTS['bundles that are published and signed']().template;
}, SYNTHESIS_MS);

const endpointsOf = (template: Template): string[] =>
  Object.values(template.findResources('AWS::EC2::VPCEndpoint')).map(({ Properties }) =>
    String(printed(Properties.ServiceName).split('.').at(-1)),
  );

describe('with bundles', () => {
  test('the functions that need the migrations, and the task, learn where they may come from', () => {
    const functions = Object.entries(all.findResources('AWS::Lambda::Function'));
    const told = functions
      .filter(([, { Properties }]) => EnvName.bundles in Properties.Environment.Variables)
      .map(([, { Properties }]) => resolve(all.toJSON() as TemplateJson, Properties.Environment.Variables));
    expect(told.length).toBeGreaterThanOrEqual(4);
    for (const variables of told) {
      const { [EnvName.bundles]: setting } = variables as Record<string, string>;
      expect(publishedSettingSchema.parse(JSON.parse(setting ?? ''))).toMatchObject({
        bucket: expect.stringMatching(/^Releases/),
        prefix: 'orders/',
        signingKey: expect.stringMatching(/^SigningKey.*Arn$/),
      });
    }
    const [task] = Object.values(all.findResources('AWS::ECS::TaskDefinition'));
    const names = task?.Properties.ContainerDefinitions[0].Environment.map(
      ({ Name }: { Name: string }) => Name,
    );
    expect(names).toContain(EnvName.bundles);
  });

  test('the task may read them and check who signed them, as the functions may', () => {
    const rights = rightsOf(all, 'LongRunningTaskRole');
    expect(rights).toContain('Allow s3:GetObjectVersion on <Releases.Arn>/orders/*');
    expect(rights).toContain('Allow kms:Verify on <SigningKey.Arn>');
    expect(rights.filter((right) => /s3:|kms:/.test(right))).toHaveLength(2);
  });

  test('without a key for signatures nobody may do anything with KMS, and there is no endpoint for it', () => {
    const { template } = withBundles();
    expect(rightsOf(template, 'planRole').filter((right) => /s3:|kms:/.test(right))).toEqual([
      'Allow s3:GetObjectVersion on arn:<Partition>:s3:::releases/*',
    ]);
    expect(endpointsOf(template)).toContain('s3');
    expect(endpointsOf(template)).not.toContain('kms');
    expect(endpointsOf(all)).toContain('kms');
  });

  test('a bucket with a key of its own is decrypted by those who may read it', () => {
    const { template } = coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      bundles: {
        bucket: new Bucket(stack, 'Releases', {
          versioned: true,
          encryption: BucketEncryption.KMS,
          encryptionKey: new Key(stack, 'BucketKey'),
        }) as IBucket,
      },
    }));
    expect(rightsOf(template, 'migrateRole')).toContain('Allow kms:Decrypt on <BucketKey.Arn>');
    expect(rightsOf(template, 'releaseleaseRole').filter((right) => /s3:|kms:/.test(right))).toEqual([]);
  });

  test.each(['/orders/', 'orders/*', 'or?ers/', 'a b/'])('the prefix %s is refused', (prefix) => {
    expect(() => withBundles(prefix)).toThrow(
      /bundles\.prefix begins with a slash, has a part that is \. or \.\./,
    );
  });

  test('a word about endpoints names those of S3 and KMS, too', () => {
    const silent = () =>
      coordinatorStack((stack) => {
        const { database, vpc } = inIsolatedSubnets(stack);
        const bucket = Bucket.fromBucketName(stack, 'Releases', releases);
        return { database, vpc, bundles: { bucket, signingKey: signingKey(stack) } };
      });
    expect(silent).toThrow(/events \(interface\), s3 \(gateway\), kms \(interface\)\./);
  });
});

describe('without', () => {
  test('no role may read an object or use a key, and no function hears of a bucket', () => {
    const { template } = auroraStack();
    const text = JSON.stringify(template.toJSON());
    expect(text).not.toMatch(/s3:Get|kms:|LOCKSTEP_BUNDLES/);
    expect(endpointsOf(template)).not.toContain('s3');
  });

  test('startOnBundle is refused', () => {
    expect(() => auroraStack().coordinator.deployers.startOnBundle()).toThrow(/give the property bundles/);
  });
});

test('startOnBundle makes one rule, of objects that are named after their content', () => {
  const made = withBundles('orders/');
  made.coordinator.deployers.startOnBundle();
  const rules = Object.values(made.template.findResources('AWS::Events::Rule')).map(
    ({ Properties }) => Properties,
  );
  expect(rules.filter(({ EventPattern }) => EventPattern.source.includes('aws.s3'))).toEqual([
    expect.objectContaining({
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: {
          bucket: { name: ['releases'] },
          object: { key: [{ wildcard: 'orders/*.lockstep.json' }] },
        },
      },
    }),
  ]);
  expect(rightsOf(made.template, 'DeployersstartrunRole').filter((right) => /s3:|kms:/.test(right))).toEqual(
    [],
  );
});

describe('the action of a pipeline', () => {
  const action = (add: (made: CoordinatorStack, pipeline: Pipeline) => void) => {
    const made = withBundles();
    add(made, pipelineWithSource(made.stack));
    const [pipeline] = Object.values(
      Template.fromStack(made.stack).findResources('AWS::CodePipeline::Pipeline'),
    );
    return pipeline?.Properties.Stages[1].Actions[0];
  };

  test('takes its whole input from a file of an artifact', () => {
    const { Configuration, InputArtifacts } = action(({ coordinator }, pipeline) => {
      const [built] = pipeline.stages[0]?.actions[0]?.actionProperties.outputs ?? [];
      const inputFile = built?.atPath('run.json') ?? expect.fail('no artifact');
      coordinator.addToPipeline(pipeline.addStage({ stageName: 'Migrate' }), { inputFile });
    });
    expect(Configuration).toMatchObject({ InputType: 'FilePath', Input: 'run.json' });
    expect(InputArtifacts).toHaveLength(1);
  });

  test('takes no other part of the input beside the file', () => {
    const { coordinator } = withBundles();
    const inputFile = new Artifact('Release').atPath('run.json');
    expect(() => coordinator.toPipelineAction({ inputFile, phase: 'expand' })).toThrow(
      /The action Migrate has an inputFile, which is the run's whole input/,
    );
  });
});
