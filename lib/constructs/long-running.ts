/**
 * What runs migrations that are too long for a function: a Fargate task with the program and the migrations that the
 * functions have, in the same network, under a role that may log in and use the lease, and nothing else.
 *
 * The migrations are in the image, which is built when the app is deployed. The task compares their digest with that
 * of the plan before its first statement, so an image of another deployment is refused (LS615).
 */
import { Duration, Stack } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import {
  Cluster,
  type ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateTaskDefinition,
  type ICluster,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EnvName } from '../core/workflow/state-name.ts';
import {
  IMAGE_BUNDLE,
  IMAGE_DIRECTORY,
  TASK_CONTAINER,
  TASK_PROGRAM,
} from '../core/workflow/task-container.ts';
import { acknowledge, acknowledgeWildcard } from './acknowledge.ts';
import type { ResolvedDatabase } from './database.ts';
import type { LeaseTable } from './lease-table.ts';
import { logGroup } from './log-group.ts';
import type { Network } from './network.ts';
import { grantPublishedBundles, type PublishedBundles } from './published-bundles.ts';
import { taskImage } from './task-image.ts';
import type { LongRunningState } from './workflow-long-running.ts';

export interface LongRunningOptions {
  /** @default a cluster of its own */
  readonly cluster?: ICluster;
  /**
   * Has to be made of the same migrations: docs/long-work.md.
   * @default built from the Dockerfile of the package, with the coordinator's migrations
   */
  readonly image?: ContainerImage;
  /** Units of 1/1024. @default 256 */
  readonly cpu?: number;
  /** @default 512 */
  readonly memoryLimitMiB?: number;
  /**
   * How long one task may take, and so a statement.
   * @default two thirds of runTimeout
   */
  readonly timeout?: Duration;
}

export interface LongRunningProps {
  readonly options: LongRunningOptions;
  readonly timeout: Duration;
  readonly target: string;
  readonly migrations: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly database: ResolvedDatabase;
  readonly network: Network;
  readonly leaseTable: LeaseTable;
  readonly publishedBundles: PublishedBundles | undefined;
  readonly encryptionKey: IKey | undefined;
}

/** After SIGTERM; cancelling a statement takes less than a second, unless it rolls back much. */
const STOP_TIMEOUT = Duration.seconds(30);

export class LongRunning extends Construct {
  readonly state: LongRunningState;
  readonly logs: ILogGroup;
  private readonly cluster: ICluster;
  private readonly taskDefinition: FargateTaskDefinition;

  constructor(scope: Construct, id: string, props: LongRunningProps) {
    super(scope, id);
    const { vpc, subnets, securityGroup } = props.network;
    // CDK's class does not fit its own interface under exactOptionalPropertyTypes.
    this.cluster = props.options.cluster ?? (this.ownCluster(vpc) as ICluster);
    this.logs = logGroup(this, props.encryptionKey);
    this.taskDefinition = this.define(props);
    this.state = {
      clusterArn: this.cluster.clusterArn,
      taskDefinitionArn: this.taskDefinition.taskDefinitionArn,
      subnetIds: vpc.selectSubnets(subnets).subnetIds,
      securityGroupIds: [securityGroup.securityGroupId],
      timeout: props.timeout,
    };
  }

  private ownCluster(vpc: IVpc): Cluster {
    return new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED });
  }

  private define({
    options,
    environment,
    target,
    migrations,
    ...props
  }: LongRunningProps): FargateTaskDefinition {
    const assumedBy = new ServicePrincipal('ecs-tasks.amazonaws.com');
    const taskRole = new Role(this, 'TaskRole', { assumedBy });
    props.database.grantLogin(taskRole);
    props.leaseTable.grantLease(taskRole);
    if (props.publishedBundles) grantPublishedBundles(taskRole, props.publishedBundles);
    const definition = new FargateTaskDefinition(this, 'TaskDefinition', {
      cpu: options.cpu ?? 256,
      memoryLimitMiB: options.memoryLimitMiB ?? 512,
      taskRole,
      executionRole: new Role(this, 'ExecutionRole', { assumedBy }),
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.X86_64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    definition.addContainer(TASK_CONTAINER, {
      image: options.image ?? taskImage(this, migrations),
      entryPoint: ['node', `${IMAGE_DIRECTORY}/${TASK_PROGRAM}`],
      environment: {
        ...environment,
        [EnvName.bundlePath]: `${IMAGE_DIRECTORY}/${IMAGE_BUNDLE}`,
        // There is no daemon beside the container that takes traces.
        POWERTOOLS_TRACE_ENABLED: 'false',
      },
      logging: LogDrivers.awsLogs({ streamPrefix: target.replaceAll(/[^\w.-]/g, '-'), logGroup: this.logs }),
      readonlyRootFilesystem: true,
      stopTimeout: STOP_TIMEOUT,
    });
    acknowledge(definition, 'ECS2', 'The variables are names and limits; the login is read from its secret.');
    if (!options.image)
      acknowledgeWildcard(
        definition.executionRole as Role,
        '*',
        'ECR has no resource to name for GetAuthorizationToken: AWS offers nothing narrower than *.',
      );
    return definition;
  }

  /** To run this task and no other, to wait for it, and to stop it when the execution is stopped. */
  grantRun(stateMachine: StateMachine): void {
    const { cluster, taskDefinition } = this;
    const stack = Stack.of(this);
    const tasks = stack.formatArn({
      service: 'ecs',
      resource: 'task',
      resourceName: `${cluster.clusterName}/*`,
    });
    const rule = stack.formatArn({
      service: 'events',
      resource: 'rule',
      resourceName: 'StepFunctionsGetEventsForECSTaskRule',
    });
    const roles = [taskDefinition.taskRole, taskDefinition.executionRole].flatMap(
      (role) => role?.roleArn ?? [],
    );
    const statements = [
      new PolicyStatement({
        actions: ['ecs:RunTask'],
        resources: [taskDefinition.taskDefinitionArn],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
      new PolicyStatement({ actions: ['ecs:StopTask', 'ecs:DescribeTasks'], resources: [tasks] }),
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: roles,
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
      // Step Functions makes this rule of its own to learn how tasks end.
      new PolicyStatement({
        actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
        resources: [rule],
      }),
    ];
    for (const statement of statements) stateMachine.addToRolePolicy(statement);
    acknowledgeWildcard(
      stateMachine,
      tasks,
      'Tasks are named when they start; Step Functions stops and describes only those that it started.',
    );
  }
}
