/**
 * A container that a state of the workflow runs to its end: in the network of the functions, under a role of its own, which
 * whoever extends this grants what it needs. Nothing runs, and nothing but the cluster's name is there, until it is asked
 * for.
 */
import { Duration, Stack } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import {
  Cluster,
  type ContainerDefinitionOptions,
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
import { TASK_CONTAINER } from '../core/workflow/task-container.ts';
import { acknowledge, acknowledgeWildcard } from './acknowledge.ts';
import { logGroup } from './log-group.ts';
import type { Network } from './network.ts';
import type { LongRunningState } from './workflow-long-running.ts';

export interface FargateTaskOptions {
  /** @default a cluster of its own */
  readonly cluster?: ICluster;
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

export interface FargateTaskProps {
  readonly options: FargateTaskOptions;
  readonly timeout: Duration;
  readonly target: string;
  readonly network: Network;
  readonly encryptionKey: IKey | undefined;
  /** What is made for it, an image, goes into the scope. */
  readonly container: (scope: Construct) => ContainerDefinitionOptions;
  /** Whether the image may be in ECR. */
  readonly mayPull: boolean;
}

/** After SIGTERM; cancelling a statement takes less than a second, unless it rolls back much. */
const STOP_TIMEOUT = Duration.seconds(30);

export class FargateTask extends Construct {
  readonly state: LongRunningState;
  readonly logs: ILogGroup;
  protected readonly taskRole: Role;
  private readonly executionRole: Role;
  private readonly cluster: ICluster;
  private readonly taskDefinition: FargateTaskDefinition;

  constructor(scope: Construct, id: string, props: FargateTaskProps) {
    super(scope, id);
    const { vpc, subnets, securityGroup } = props.network;
    const assumedBy = new ServicePrincipal('ecs-tasks.amazonaws.com');
    // CDK's class does not fit its own interface under exactOptionalPropertyTypes.
    this.cluster = props.options.cluster ?? (this.ownCluster(vpc) as ICluster);
    this.logs = logGroup(this, props.encryptionKey);
    this.taskRole = new Role(this, 'TaskRole', { assumedBy });
    this.executionRole = new Role(this, 'ExecutionRole', { assumedBy });
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

  private define({ options, target, container, mayPull }: FargateTaskProps): FargateTaskDefinition {
    const { taskRole, executionRole, logs } = this;
    const definition = new FargateTaskDefinition(this, 'TaskDefinition', {
      cpu: options.cpu ?? 256,
      memoryLimitMiB: options.memoryLimitMiB ?? 512,
      taskRole,
      executionRole,
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.X86_64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    definition.addContainer(TASK_CONTAINER, {
      ...container(this),
      logging: LogDrivers.awsLogs({
        streamPrefix: target.replaceAll(/[^\w.-]/g, '-'),
        logGroup: logs,
      }),
      stopTimeout: STOP_TIMEOUT,
    });
    acknowledge(definition, 'ECS2', 'The variables are names and limits; the login is read from its secret.');
    if (mayPull)
      acknowledgeWildcard(
        executionRole,
        '*',
        'ECR has no resource to name for GetAuthorizationToken: AWS offers nothing narrower than *.',
      );
    return definition;
  }

  /** To run this task and no other, to wait for it, and to stop it when the execution is stopped. */
  grantRun(stateMachine: StateMachine): void {
    const { cluster, taskDefinition, taskRole, executionRole } = this;
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
    const statements = [
      new PolicyStatement({
        actions: ['ecs:RunTask'],
        resources: [taskDefinition.taskDefinitionArn],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
      new PolicyStatement({ actions: ['ecs:StopTask', 'ecs:DescribeTasks'], resources: [tasks] }),
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [taskRole.roleArn, executionRole.roleArn],
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
