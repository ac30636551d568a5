/**
 * Between the workflow and deployers: who is told the verdict, and who may ask for a run. Nothing of it exists until
 * it is asked for: a function is made by the first method that needs it.
 *
 *   event of a run ─► deliver-verdict ─► topic, webhook, stage transition; deployers that wait for this run
 *   ECS PAUSE hook, CodeDeploy hook, approval, any event ─► start-run ─► an execution, with their addresses
 *   ECS Lambda hook ─► answer-ecs-hook ⟲            CodePipeline Lambda job ─► answer-codepipeline-job ⟲
 *
 * Invariants: the rights are on the one service, deployment group, pipeline or topic that was named; one question
 * starts one run, however often it comes; an event that cannot be served is kept in the dead letters, with an alarm.
 */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IAction } from 'aws-cdk-lib/aws-codepipeline';
import { LambdaInvokeAction } from 'aws-cdk-lib/aws-codepipeline-actions';
import { type EventPattern, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { type IGrantable, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EVENT_SOURCE, EventType } from '../core/rollout/signal.ts';
import { type DeployerFunctionName, EnvName } from '../core/workflow/state-name.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { type AlarmSurroundings, createAlarm } from './alarms.ts';
import { type CreatedFunction, createFunction } from './create-function.ts';
import { eventTarget, newDeadLetters, retryAsynchronousCalls } from './dead-letters.ts';
import { type EcsService, type PauseHookOptions, pauseHook, serviceDeploymentsOf } from './ecs-service.ts';
import { ONLY_STAR_TRACES } from './function-role.ts';
import { DEPLOYER_FUNCTIONS } from './function-settings.ts';
import { describeExecutions, executionsOf } from './grants.ts';
import { type PublishedBundles, pushPattern } from './published-bundles.ts';
import { refuse } from './refuse.ts';
import { RunbookSection } from './runbook.ts';
import { grantReceivers, receiversSetting, type VerdictReceivers } from './verdict-receivers.ts';

export interface DeployersProps {
  readonly target: string;
  readonly stateMachine: StateMachine;
  readonly eventBus: IEventBus;
  readonly encryptionKey: IKey | undefined;
  readonly alarms: AlarmSurroundings;
  readonly receivers: VerdictReceivers | undefined;
  readonly publishedBundles: PublishedBundles | undefined;
  grantStartMigration(grantee: IGrantable): void;
}

export interface ApprovalAddress {
  readonly pipelineName: string;
  readonly stageName: string;
  readonly actionName: string;
}

export class Deployers extends Construct {
  private readonly props: DeployersProps;
  private readonly made = new Map<DeployerFunctionName, CreatedFunction>();
  private queue: Queue | undefined;

  constructor(scope: Construct, id: string, props: DeployersProps) {
    super(scope, id);
    this.props = props;
    const { receivers } = props;
    if (Object.values(receivers ?? {}).some((receiver) => receiver !== undefined)) {
      const { role } = this.deliverVerdict();
      grantReceivers(role, receivers ?? {}, props.stateMachine);
    }
  }

  /**
   * The service's deployments wait, before a new task is started, until a run of theirs has ended: then they go on,
   * or roll back.
   */
  pauseHook(service: EcsService, options: PauseHookOptions = {}): void {
    const { pattern } = pauseHook(service, options);
    const deployments = serviceDeploymentsOf(service);
    const reason = 'Deployments of the service are named when they start; all are of this one service.';
    const start = this.startRun();
    start.role.addToPolicy(
      new PolicyStatement({ actions: ['ecs:DescribeServiceDeployments'], resources: [deployments] }),
    );
    acknowledgeWildcard(start.role, deployments, reason);
    const deliver = this.deliverVerdict();
    deliver.role.addToPolicy(
      new PolicyStatement({
        actions: ['ecs:ContinueServiceDeployment', 'ecs:DescribeServiceDeployments'],
        resources: [deployments],
      }),
    );
    acknowledgeWildcard(deliver.role, deployments, reason);
    this.startOn(`PauseHook-${service.node.id}`, pattern);
  }

  /**
   * For `DeploymentLifecycleLambdaTarget`: a function that lets a deployment go on when a run of its own has
   * succeeded, and rolls it back when that failed. One for all services.
   */
  lambdaHook(): IFunction {
    return this.asking('answer-ecs-hook').lambda;
  }

  /**
   * For the hooks of an AppSpec file (`BeforeInstall`): the deployment goes on when a run of its own has succeeded,
   * and fails when that failed. CodeDeploy's role is let in.
   */
  codeDeployHook(group: {
    readonly deploymentGroupArn: string;
    readonly role?: IGrantable | undefined;
  }): IFunction {
    this.deliverVerdict().role.addToPolicy(
      new PolicyStatement({
        actions: ['codedeploy:PutLifecycleEventHookExecutionStatus'],
        resources: [group.deploymentGroupArn],
      }),
    );
    const { lambda } = this.startRun();
    if (group.role) lambda.grantInvoke(group.role);
    return lambda;
  }

  /** A manual approval that publishes to this topic is answered by a run of its own. */
  answerApproval(topic: ITopic, { pipelineName, stageName, actionName }: ApprovalAddress): void {
    const approval = Stack.of(this).formatArn({
      service: 'codepipeline',
      resource: `${pipelineName}/${stageName}/${actionName}`,
      arnFormat: ArnFormat.NO_RESOURCE_NAME,
    });
    this.deliverVerdict().role.addToPolicy(
      new PolicyStatement({ actions: ['codepipeline:PutApprovalResult'], resources: [approval] }),
    );
    topic.addSubscription(new LambdaSubscription(this.startRun().lambda));
  }

  /**
   * An action of CodePipeline that calls a function until the run has ended, instead of the Step Functions action:
   * its output variables are `run`, `outcome`, `appliedCount` and `restorePoint`.
   */
  toLambdaPipelineAction(actionName = 'Migrate'): IAction {
    const { lambda, role } = this.asking('answer-codepipeline-job');
    acknowledgeWildcard(role, '*', `${ONLY_STAR_TRACES} CodePipeline has no resources to name for jobs.`);
    return new LambdaInvokeAction({ actionName, lambda });
  }

  /** Every event that matches starts a run. */
  startOn(id: string, eventPattern: EventPattern, eventBus?: IEventBus): Rule {
    return new Rule(this, id, {
      description: `Lockstep, ${this.props.target}: starts a run`,
      eventPattern,
      ...(eventBus ? { eventBus } : {}),
      targets: [eventTarget(this.startRun().lambda, this.deadLetters())],
    });
  }

  /**
   * Every bundle that is pushed under a name made of its content (`lockstep bundle --to s3://BUCKET/FOLDER/`) starts a run
   * that applies just this version, once. The bucket has to send its events to EventBridge.
   */
  startOnBundle(): Rule {
    const { publishedBundles } = this.props;
    if (!publishedBundles) refuse(this, 'No bundles are taken from S3: give the property bundles.');
    return this.startOn('PushedBundle', pushPattern(publishedBundles));
  }

  private startRun(): CreatedFunction {
    return this.asking('start-run', ({ lambda }) => retryAsynchronousCalls(lambda, this.deadLetters()));
  }

  /** A function that starts runs and asks how they are. */
  private asking(name: DeployerFunctionName, more: (created: CreatedFunction) => void = () => undefined) {
    return this.once(name, (created) => {
      this.props.grantStartMigration(created.role);
      this.acknowledgeExecutions(created.role);
      more(created);
    });
  }

  private deliverVerdict(): CreatedFunction {
    return this.once('deliver-verdict', (created) => {
      const { stateMachine, encryptionKey, eventBus, target } = this.props;
      for (const statement of describeExecutions(stateMachine, encryptionKey)) {
        created.role.addToPolicy(statement);
      }
      this.acknowledgeExecutions(created.role);
      retryAsynchronousCalls(created.lambda, this.deadLetters());
      new Rule(this, 'Verdicts', {
        description: `Lockstep, ${target}: delivers verdicts`,
        eventBus,
        eventPattern: {
          source: [EVENT_SOURCE],
          detailType: [EventType.rollOut, EventType.rollBack],
          detail: { target: [target] },
        },
        targets: [eventTarget(created.lambda, this.deadLetters())],
      });
    });
  }

  private acknowledgeExecutions(role: Role): void {
    acknowledgeWildcard(
      role,
      executionsOf(this.props.stateMachine),
      'Executions are named when they start; all are of this one state machine.',
    );
  }

  private deadLetters(): Queue {
    if (!this.queue) {
      this.queue = newDeadLetters(this, 'DeadLetters');
      const spec = {
        metric: this.queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' }),
        threshold: 1,
        what: 'a deployer was not told a verdict, or got no run.',
        section: RunbookSection.deployerUnserved,
      };
      createAlarm(this, 'DeployerUnserved', spec, this.props.alarms);
    }
    return this.queue;
  }

  private once(name: DeployerFunctionName, prepare: (created: CreatedFunction) => void): CreatedFunction {
    const known = this.made.get(name);
    if (known) return known;
    const { target, encryptionKey, stateMachine, receivers } = this.props;
    const created = createFunction(this, name, {
      target,
      encryptionKey,
      settings: DEPLOYER_FUNCTIONS[name],
      environment: {
        [EnvName.target]: target,
        [EnvName.stateMachineArn]: stateMachine.stateMachineArn,
        ...(name === 'deliver-verdict'
          ? { [EnvName.receivers]: JSON.stringify(receiversSetting(receivers)) }
          : {}),
      },
    });
    this.made.set(name, created);
    prepare(created);
    return created;
  }
}
