/** Stacks to look at, made once per suite, without bundling. */
import { App, type AppProps, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Artifact, Pipeline, PipelineType } from 'aws-cdk-lib/aws-codepipeline';
import { S3SourceAction } from 'aws-cdk-lib/aws-codepipeline-actions';
import { type IVpc, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  Cluster,
  ContainerImage,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
} from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  DatabaseCluster,
  DatabaseClusterEngine,
  DatabaseInstance,
  DatabaseInstanceEngine,
  PostgresEngineVersion,
} from 'aws-cdk-lib/aws-rds';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { MigrationCoordinator, type MigrationCoordinatorProps } from '../../lib/index.ts';

export const MIGRATIONS = new URL('../../migrations', import.meta.url).pathname;
/** For whatever synthesizes: a machine under load takes its time. */
export const SYNTHESIS_MS = 60_000;
export const TARGET = 'orders-production';

export const ERRORS_ALARM = 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors';

export const ISOLATED = { subnetType: SubnetType.PRIVATE_ISOLATED };

export const APP_PROPS: AppProps = {
  context: { 'aws:cdk:bundling-stacks': [] },
  // It takes seconds; `npm run synth` has it switched on.
  builtinCloudFormationValidation: false,
};

export const newApp = (context: Readonly<Record<string, unknown>> = {}): App =>
  new App({ ...APP_PROPS, context: { ...APP_PROPS.context, ...context } });

export const newStack = (context?: Readonly<Record<string, unknown>>): Stack =>
  new Stack(newApp(context), 'Test');

export const isolatedVpc = (stack: Stack): IVpc =>
  new Vpc(stack, 'Vpc', { natGateways: 0, subnetConfiguration: [{ name: 'database', ...ISOLATED }] }) as IVpc;

/** With a way to the internet from its private subnets. */
export const privateVpc = (stack: Stack, id = 'Vpc'): IVpc => new Vpc(stack, id, { maxAzs: 2 }) as IVpc;

export const aurora = (stack: Stack, vpc: IVpc): DatabaseCluster =>
  new DatabaseCluster(stack, 'Database', {
    vpc,
    vpcSubnets: vpc.isolatedSubnets.length > 0 ? ISOLATED : {},
    engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_7 }),
    writer: ClusterInstance.serverlessV2('Writer'),
    iamAuthentication: true,
  });

export const rdsInstance = (stack: Stack, vpc: IVpc): DatabaseInstance =>
  new DatabaseInstance(stack, 'Database', {
    vpc,
    engine: DatabaseInstanceEngine.postgres({ version: PostgresEngineVersion.VER_17 }),
  });

export interface CoordinatorStack {
  readonly stack: Stack;
  readonly coordinator: MigrationCoordinator;
  /** Synthesized when it is first asked for; nothing can be added to the stack after that. */
  readonly template: Template;
}

type Given = Omit<MigrationCoordinatorProps, 'databaseName'>;

/** A stack with a coordinator in it, and what `given` adds to it beforehand. */
export function coordinatorStack(
  given: (stack: Stack) => Given,
  context?: Readonly<Record<string, unknown>>,
): CoordinatorStack {
  const stack = newStack(context);
  const props = given(stack);
  const migrated = props.runner ? props : { migrations: MIGRATIONS, ...props };
  const coordinator = new MigrationCoordinator(stack, 'Coordinator', {
    databaseName: 'orders',
    target: TARGET,
    ...migrated,
  });
  let template: Template | undefined;
  return {
    stack,
    coordinator,
    get template() {
      template ??= Template.fromStack(stack);
      return template;
    },
  };
}

export const inIsolatedSubnets = (stack: Stack): Given => {
  const vpc = isolatedVpc(stack);
  return { database: aurora(stack, vpc), vpc, createEndpoints: true };
};

/** The common case: Aurora in isolated subnets, every default. */
export const auroraStack = (context?: Readonly<Record<string, unknown>>): CoordinatorStack =>
  coordinatorStack(inIsolatedSubnets, context);

/** With every receiver, everyone who can ask for a run, and what is done after a roll-out. */
export function deployersStack(more: (stack: Stack) => Partial<Given> = () => ({})): CoordinatorStack {
  const result = coordinatorStack((stack) => ({
    ...inIsolatedSubnets(stack),
    receivers: {
      topic: new Topic(stack, 'OnCall', { enforceSSL: true }) as ITopic,
      webhook: { url: 'https://example.com/hooks', secret: new Secret(stack, 'WebhookSecret') as ISecret },
      stageTransition: { pipelineName: 'release', stageName: 'Deploy' },
    },
    afterRollOut: {
      follow: { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } },
      alarms: [Alarm.fromAlarmArn(stack, 'Errors', ERRORS_ALARM)],
      policy: 'down' as const,
    },
    reports: {},
    ...more(stack),
  }));
  const { stack, coordinator } = result;
  coordinator.deployers.pauseHook(fargateService(stack));
  coordinator.deployers.lambdaHook();
  coordinator.deployers.codeDeployHook({
    deploymentGroupArn: 'arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:app/group',
    role: new Role(stack, 'CodeDeploy', { assumedBy: new ServicePrincipal('codedeploy.amazonaws.com') }),
  });
  coordinator.deployers.answerApproval(new Topic(stack, 'Approvals') as ITopic, {
    pipelineName: 'release',
    stageName: 'Migrate',
    actionName: 'Approve',
  });
  coordinator.deployers.startOn('Published', { source: ['app'], detailType: ['Release Published'] });
  pipelineWithSource(stack).addStage({
    stageName: 'Migrate',
    actions: [coordinator.deployers.toLambdaPipelineAction()],
  });
  return result;
}

/** The same with every option on. */
export const fullStack = (): CoordinatorStack =>
  deployersStack((stack) => ({
    bundles: {
      bucket: new Bucket(stack, 'Releases', { versioned: true }) as IBucket,
      signingKey: new Key(stack, 'SigningKey', { keySpec: KeySpec.RSA_2048, keyUsage: KeyUsage.SIGN_VERIFY }),
    },
    longRunning: {},
    approval: { when: 'destructive', topic: new Topic(stack, 'Approvers', { enforceSSL: true }) as ITopic },
    rehearsal: { maxBlocked: Duration.seconds(2), maxDuration: Duration.minutes(5) },
    encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }),
    reconcileEvery: Duration.hours(1),
    alarmTopic: new Topic(stack, 'Alarms', { enforceSSL: true }) as ITopic,
  }));

export function fargateService(stack: Stack): FargateService {
  const taskDefinition = new FargateTaskDefinition(stack, 'Task');
  taskDefinition.addContainer('App', { image: ContainerImage.fromRegistry('example/app') });
  const cluster = new Cluster(stack, 'Cluster', { vpc: privateVpc(stack, 'AppVpc') }) as ICluster;
  return new FargateService(stack, 'Service', { cluster, taskDefinition });
}

export const signingKey = (stack: Stack): Key =>
  new Key(stack, 'SigningKey', { keySpec: KeySpec.ECC_NIST_P256, keyUsage: KeyUsage.SIGN_VERIFY });

/** The other ways to use the construct. */
export const VARIANTS = {
  'an RDS instance in private subnets': () =>
    coordinatorStack((stack) => {
      const vpc = privateVpc(stack);
      return { database: rdsInstance(stack, vpc), vpc };
    }),
  'a plain host with a secret': () =>
    coordinatorStack((stack) => ({
      database: { host: 'db.example.com', port: 6432 },
      login: { secret: new Secret(stack, 'Login') as ISecret },
      vpc: privateVpc(stack),
    })),
  'IAM login': () =>
    coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), login: { iamUser: 'migrator' } })),
  'a key of its own': () =>
    coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }),
    })),
  'no restore point': () =>
    coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), restorePoint: 'none' as const })),
  'a clone as restore point': () =>
    coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      restorePoint: { method: 'clone' as const },
    })),
  'tasks for long work': () =>
    coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), longRunning: {} })),
  'another migrator': () =>
    coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      runner: {
        command: ['/app/bin/alembic', 'upgrade', 'head'],
        image: ContainerImage.fromRegistry('registry.example.com/orders:1'),
      },
    })),
  'plans that wait for a person': () =>
    coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      approval: { when: 'destructive', topic: new Topic(stack, 'Approvals', { enforceSSL: true }) as ITopic },
    })),
  'bundles that are published and signed': () =>
    coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      longRunning: {},
      bundles: {
        bucket: new Bucket(stack, 'Releases', { versioned: true }) as IBucket,
        prefix: 'orders/',
        signingKey: signingKey(stack),
      },
    })),
  'reports of runs': () => coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), reports: {} })),
  'rehearsals on clones': () => coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), rehearsal: {} })),
  'rehearsals on restored instances': () =>
    coordinatorStack((stack) => {
      const vpc = privateVpc(stack);
      return { database: rdsInstance(stack, vpc), vpc, rehearsal: {} };
    }),
  'a database of another stack': () =>
    coordinatorStack((stack) => ({
      database: DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Database', {
        instanceIdentifier: 'orders',
        instanceEndpointAddress: 'orders.example.com',
        port: 5432,
        securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'DatabaseSecurityGroup', 'sg-1')],
      }),
      login: { secret: Secret.fromSecretNameV2(stack, 'Login', 'orders/migrator') },
      vpc: privateVpc(stack),
    })),
} as const satisfies Record<string, () => CoordinatorStack>;
export type VariantName = keyof typeof VARIANTS;
export const VARIANT_NAMES = Object.keys(VARIANTS) as VariantName[];

/** A pipeline that has a source, beside whatever else is in the stack. */
export function pipelineWithSource(stack: Stack): Pipeline {
  const pipeline = new Pipeline(stack, 'Pipeline', { pipelineType: PipelineType.V2 });
  const source = new S3SourceAction({
    actionName: 'Source',
    bucket: Bucket.fromBucketName(stack, 'Sources', 'sources'),
    bucketKey: 'source.zip',
    output: new Artifact(),
  });
  pipeline.addStage({ stageName: 'Source', actions: [source] });
  return pipeline;
}
