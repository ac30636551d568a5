import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { IAction, IStage } from 'aws-cdk-lib/aws-codepipeline';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Connections, type IConnectable } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { AfterRollOut } from './after-roll-out.ts';
import { CoordinatorAlarms } from './alarms.ts';
import { grantAnswer } from './approval.ts';
import { bundleLayer } from './bundle-layer.ts';
import { environmentOf } from './coordinator-environment.ts';
import { CoordinatorFunctions } from './coordinator-functions.ts';
import type { MigrationCoordinatorProps } from './coordinator-props.ts';
import { type CoordinatorSettings, settingsOf } from './coordinator-settings.ts';
import { coordinatorTask } from './coordinator-task.ts';
import { coordinatorDashboard } from './dashboard.ts';
import { resolveDatabase } from './database.ts';
import { Deployers } from './deployers.ts';
import { describeExecutions, letLogsEncrypt } from './grants.ts';
import { LeaseTable } from './lease-table.ts';
import { CoordinatorMetrics } from './metrics.ts';
import { createNetwork } from './network.ts';
import { MigrateAction, type PipelineActionOptions } from './pipeline-action.ts';
import { LogQueries } from './queries.ts';
import { refuse } from './refuse.ts';
import { Rehearsals } from './rehearsals.ts';
import { Reports } from './reports.ts';
import { RUNBOOK } from './runbook.ts';
import { Workflow } from './workflow.ts';

/**
 * Migrates one PostgreSQL database: exactly once per migration, whoever asks and however often, and says whether
 * the new version may roll out.
 *
 *     const coordinator = new MigrationCoordinator(this, 'Coordinator', {
 *       database: cluster, databaseName: 'app', vpc, migrations: './migrations',
 *     });
 *     coordinator.addToPipeline(migrateStage);
 *
 * Runs are executions of `stateMachine`; `{}` is a valid input. The lease table outlives the stack.
 */
export class MigrationCoordinator extends Construct implements IConnectable {
  readonly stateMachine: IStateMachine;
  readonly leaseTable: Table;
  /** Of the functions that use the database: let them in where Lockstep cannot (a plain host). */
  readonly connections: Connections;
  /** Who may ask for a run and is answered, and who is told of every one: docs/deployers.md. */
  readonly deployers: Deployers;
  private readonly workflow: Workflow;
  private readonly encryptionKey: IKey | undefined;
  /** Machines that wait for a person. */
  private readonly asking: readonly StateMachine[];
  private readonly metrics: CoordinatorMetrics;

  constructor(scope: Construct, id: string, props: MigrationCoordinatorProps) {
    super(scope, id);
    const database = resolveDatabase(this, props.database, props.databaseName, props.login);
    const settings = settingsOf(this, props, database);
    const network = createNetwork(this, {
      vpc: props.vpc,
      subnets: props.vpcSubnets,
      createEndpoints: props.createEndpoints,
      usesSecret: database.usesSecret,
      runsTasks: (props.longRunning ?? props.runner) !== undefined,
      publishedBundles: props.bundles,
      keepsReports: props.reports !== undefined,
    });
    const eventBus = props.eventBus ?? EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    const { encryptionKey } = props;
    if (encryptionKey) letLogsEncrypt(this, encryptionKey);
    const leaseTable = new LeaseTable(this, 'LeaseTable', encryptionKey);
    const names = { leaseTable: leaseTable.tableName, eventBus: eventBus.eventBusName };
    const environment = environmentOf(settings, props, database, names);
    const publishedBundles = props.bundles;
    const shared = {
      ...settings,
      environment,
      database,
      network,
      leaseTable,
      encryptionKey,
      publishedBundles,
    };
    const bundle = bundleLayer(this, 'Bundle', props.migrations);
    const functions = new CoordinatorFunctions(this, 'Functions', { ...shared, eventBus, bundle });
    const reports =
      props.reports && new Reports(this, 'Reports', { ...shared, bundle, options: props.reports });
    const task = coordinatorTask(this, props, shared);
    const alarms = {
      target: settings.target,
      runbook: props.runbookUrl ?? RUNBOOK,
      topic: props.alarmTopic,
    };
    const afterRollOut =
      props.afterRollOut &&
      new AfterRollOut(this, 'AfterRollOut', {
        ...shared,
        options: props.afterRollOut,
        functions,
        eventBus,
        alarms,
      });
    const rehearsals =
      settings.rehearsalBudget && database.snapshotSource
        ? new Rehearsals(this, 'Rehearsals', { ...shared, source: database.snapshotSource, bundle, alarms })
        : undefined;
    this.workflow = new Workflow(this, 'Workflow', {
      ...settings,
      functions,
      eventBus,
      encryptionKey,
      task,
      reports,
      rehearsal: rehearsals?.state,
      followRollOut: afterRollOut,
      reconcileEvery: props.reconcileEvery,
    });
    props.approval?.topic.grantPublish(this.workflow.stateMachine);
    const follower = afterRollOut?.follow(this.workflow.stateMachine);
    this.asking = [
      ...(props.approval ? [this.workflow.stateMachine] : []),
      ...(follower && afterRollOut?.restores ? [follower] : []),
    ];
    this.encryptionKey = encryptionKey;
    this.stateMachine = this.workflow.stateMachine;
    this.leaseTable = leaseTable;
    this.deployers = new Deployers(this, 'Deployers', {
      ...settings,
      stateMachine: this.workflow.stateMachine,
      alarms,
      eventBus,
      encryptionKey,
      receivers: props.receivers,
      publishedBundles,
      grantStartMigration: (grantee) => this.grantStartMigration(grantee),
    });
    this.connections = new Connections({ securityGroups: [network.securityGroup] });
    const others = [...(task ? [task.logs] : []), ...(reports ? [reports.logs] : [])];
    this.metrics = this.watch(functions, others, settings, props);
  }

  /** Alarms, dashboard and saved queries. */
  private watch(
    functions: CoordinatorFunctions,
    otherLogs: readonly ILogGroup[],
    settings: CoordinatorSettings,
    { runbookUrl: runbook = RUNBOOK, alarmTopic: topic }: MigrationCoordinatorProps,
  ): CoordinatorMetrics {
    const { stateMachine, deadLetters } = this.workflow;
    const all = Object.values(functions.byName);
    const metrics = new CoordinatorMetrics({ ...settings, stateMachine, deadLetters, functions: all });
    new CoordinatorAlarms(this, 'Alarms', { ...settings, metrics, runbook, topic });
    const logs = [...all.map(({ logGroup }) => logGroup), ...otherLogs];
    coordinatorDashboard(this, 'Dashboard', { ...settings, metrics, runbook, logs });
    new LogQueries(this, 'Queries', { ...settings, logs });
    return metrics;
  }

  /**
   * An action that runs the migrations. Put it into a stage of its own, before the one that deploys, and leave
   * that stage without roll-back: run with an older bundle it changes nothing.
   */
  toPipelineAction(options: PipelineActionOptions = {}): IAction {
    return new MigrateAction(this.workflow.stateMachine, this.encryptionKey, options);
  }

  /** Adds the action of `toPipelineAction` to the stage. */
  addToPipeline(stage: IStage, options: PipelineActionOptions = {}): void {
    stage.addAction(this.toPipelineAction(options));
  }

  /** To start runs and to ask how they ended. */
  grantStartMigration(grantee: IGrantable): Grant {
    const { stateMachine } = this.workflow;
    const start = stateMachine.grantStartExecution(grantee);
    return describeExecutions(stateMachine, this.encryptionKey)
      .map(({ actions, resources: resourceArns, conditions }) =>
        Grant.addToPrincipal({ grantee, actions, resourceArns, conditions }),
      )
      .reduce((all, one) => all.combine(one), start);
  }

  /** To approve and to refuse what waits for it, plans or restores; not to start runs. */
  grantAnswerApproval(grantee: IGrantable): Grant {
    if (this.asking.length === 0) refuse(this, 'No plan waits for an approval: give the property approval.');
    return grantAnswer(grantee, this.asking);
  }

  /** Runs that ended with everything applied, or with nothing to do. */
  metricSucceeded(options?: MetricOptions): Metric {
    return this.metrics.succeeded(options);
  }

  metricFailed(options?: MetricOptions): Metric {
    return this.metrics.failed(options);
  }

  metricTimedOut(options?: MetricOptions): Metric {
    return this.metrics.timedOut(options);
  }

  metricAborted(options?: MetricOptions): Metric {
    return this.metrics.aborted(options);
  }

  /** Milliseconds that runs took. */
  metricDuration(options?: MetricOptions): Metric {
    return this.metrics.duration(options);
  }

  /** Seconds that runs waited for the lease. */
  metricLeaseWait(options?: MetricOptions): Metric {
    return this.metrics.leaseWait(options);
  }

  /** Migrations applied. */
  metricApplied(options?: MetricOptions): Metric {
    return this.metrics.applied(options);
  }
}
