/**
 * What happens after "roll out": a state machine of its own follows the deployment, lets the new version bake, and then
 * has the workflow contract, or sends the deployment back.
 *
 * It is a machine of its own because the run has to end when roll out is signalled: CodePipeline's action and a Lambda
 * hook of ECS deploy only when it has. So it also has a time limit of its own, and alarms on the duration of runs stay
 * what they are. Stopped in the console it stops following, and leaves nothing behind but a lease, perhaps, that the
 * next run takes over at once.
 */
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { CompositeAlarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { RESTORATION_BUDGET_SECONDS } from '../core/restore-point/restoration.ts';
import { SENDING_BACK_SECONDS } from '../core/rollout/follow-roll-out.ts';
import { EnvName, ROLL_OUT_FUNCTION_NAMES, type RollOutFunctionName } from '../core/workflow/state-name.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import {
  type AfterRollOutOptions,
  problemsOf,
  type RollOutSettings,
  rollOutSettings,
} from './after-roll-out-options.ts';
import { type AlarmSurroundings, createAlarm } from './alarms.ts';
import type { CoordinatorFunctions } from './coordinator-functions.ts';
import { type CreatedFunction, createFunction } from './create-function.ts';
import { followedOf, grantDeployments } from './followed.ts';
import { ROLL_OUT_FUNCTIONS } from './function-settings.ts';
import { describeExecutions, executionsOf, putSignals } from './grants.ts';
import { refuse } from './refuse.ts';
import { grantRestore } from './restore-grant.ts';
import type { RestorePointSettings } from './restore-points.ts';
import { ROLL_OUT_TASKS, type RollOutTask, rollOutDefinition } from './roll-out-definition.ts';
import { RunbookSection } from './runbook.ts';
import { createStateMachine, stateMachineNameIn } from './state-machine.ts';

export interface AfterRollOutProps {
  readonly options: AfterRollOutOptions;
  readonly target: string;
  readonly functions: CoordinatorFunctions;
  readonly eventBus: IEventBus;
  readonly encryptionKey: IKey | undefined;
  readonly leaseWait: Duration;
  readonly migrateTimeout: Duration;
  readonly alarms: AlarmSurroundings;
  readonly restorePoints: RestorePointSettings | undefined;
}

export class AfterRollOut extends Construct {
  /** Known before the machine is there: the workflow starts it, and is started by it. */
  readonly stateMachineArn: string;
  /** Whether it asks a person. */
  readonly restores: boolean;
  private readonly props: AfterRollOutProps;
  private readonly settings: RollOutSettings;

  constructor(scope: Construct, id: string, props: AfterRollOutProps) {
    super(scope, id);
    this.props = props;
    this.settings = rollOutSettings(props.options);
    this.stateMachineArn = Stack.of(this).formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: stateMachineNameIn(this),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.restores = this.settings.restore !== undefined;
    const problems = problemsOf(props.options, props.restorePoints !== undefined);
    if (problems.length > 0) refuse(this, problems.join(' '));
  }

  /** Follows the roll-outs of this workflow's runs. */
  follow(workflow: StateMachine): StateMachine {
    const { options, encryptionKey, alarms, restorePoints, target } = this.props;
    const own = this.createFunctions();
    const restorer = own.get('restore-database')?.role;
    if (restorer && restorePoints) grantRestore(restorer, restorePoints, target);
    grantDeployments(this, options.follow, {
      looks: own.get('await-roll-out')?.role,
      stops: own.get('stop-roll-out')?.role,
    });
    const arns = this.arnsOf(own);
    const stateMachine = createStateMachine(this, this.definition(arns, workflow), encryptionKey);
    this.grant(stateMachine, arns, workflow);
    workflow.addToRolePolicy(startExecutions(this.stateMachineArn));
    const spec = {
      metric: stateMachine.metricFailed(),
      threshold: 1,
      what: 'a roll-out was unhealthy, or could not be followed.',
      section: RunbookSection.rollOutFailed,
    };
    createAlarm(this, 'Failed', spec, alarms);
    return stateMachine;
  }

  /** Of its own, those that are called. */
  private createFunctions(): ReadonlyMap<RollOutTask, CreatedFunction> {
    const { target, encryptionKey } = this.props;
    const names = ROLL_OUT_FUNCTION_NAMES.filter((name) => this.settings.called.includes(name));
    return new Map(
      names.map((name) => {
        const settings = ROLL_OUT_FUNCTIONS[name];
        const environment = { [EnvName.target]: target, ...this.environmentOf(name) };
        return [name, createFunction(this, name, { target, encryptionKey, settings, environment })];
      }),
    );
  }

  private environmentOf(name: RollOutFunctionName): Record<string, string> {
    const { restore } = this.settings;
    if (name !== 'restore-database' || !restore) return {};
    return { [EnvName.restoreTimeoutSeconds]: String(restore.timeout.toSeconds()) };
  }

  /** Of what is not called: nothing that a state would name. */
  private arnsOf(own: ReadonlyMap<RollOutTask, CreatedFunction>): PerTask<string> {
    const { byName } = this.props.functions;
    return perTask((name) =>
      isOwn(name) ? (own.get(name)?.lambda.functionArn ?? '') : byName[name].functionArn,
    );
  }

  private definition(functionArns: PerTask<string>, workflow: StateMachine) {
    const { options, target, functions, eventBus, leaseWait, migrateTimeout } = this.props;
    const { limits, policy, alarms, contracts, restore } = this.settings;
    // Looks take time, too, and are not counted; a limit that is never reached but by a machine that hangs.
    const longest = Duration.seconds(
      2 * (limits.timeoutSeconds + limits.bakeSeconds + SENDING_BACK_SECONDS + leaseWait.toSeconds()) +
        (restore ? restore.timeout.toSeconds() + 2 * RESTORATION_BUDGET_SECONDS : 0) +
        4 * migrateTimeout.toSeconds(),
    );
    return rollOutDefinition({
      functionArns,
      functionTimeouts: perTask((name) =>
        isOwn(name) ? ROLL_OUT_FUNCTIONS[name].timeout : functions.timeouts[name],
      ),
      partition: Stack.of(this).partition,
      eventBusName: eventBus.eventBusName,
      target,
      follow: followedOf(options.follow),
      limits,
      policy,
      restore,
      alarmNames: alarms.map(({ alarmName }) => alarmName),
      contractWith: contracts ? workflow.stateMachineArn : undefined,
      timeout: longest,
    });
  }

  private grant(stateMachine: StateMachine, arns: PerTask<string>, workflow: StateMachine): void {
    const { functions, eventBus, encryptionKey } = this.props;
    const { policy, contracts, called, alarms } = this.settings;
    const resources = called.map((name) => arns[name]);
    stateMachine.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }));
    if (policy !== 'none') stateMachine.addToRolePolicy(putSignals(eventBus));
    if (contracts) stateMachine.addToRolePolicy(startExecutions(workflow.stateMachineArn));
    grantAlarms(stateMachine, alarms);
    this.props.options.restore?.topic.grantPublish(stateMachine);
    if (policy !== 'down') return;
    // A run that waits for the lease has to see whether the execution that holds it is still there.
    const describe = new Policy(this, 'DescribeExecutions', {
      roles: [functions.roleOf('acquire-lease')],
      statements: describeExecutions(stateMachine, encryptionKey),
    });
    acknowledgeWildcard(
      describe,
      executionsOf(stateMachine),
      'Executions are named when they start; all are of this one state machine.',
    );
  }
}

function grantAlarms(stateMachine: StateMachine, alarms: readonly IAlarm[]): void {
  if (alarms.length === 0) return;
  // CloudWatch shows composite alarms only to who may see all alarms.
  const hasComposite = alarms.some((alarm) => alarm instanceof CompositeAlarm);
  const resources = hasComposite ? ['*'] : alarms.map(({ alarmArn }) => alarmArn);
  stateMachine.addToRolePolicy(new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources }));
}

type PerTask<T> = Readonly<Record<RollOutTask, T>>;

const perTask = <T>(make: (name: RollOutTask) => T): PerTask<T> =>
  Object.fromEntries(ROLL_OUT_TASKS.map((name) => [name, make(name)])) as Record<RollOutTask, T>;

const isOwn = (name: RollOutTask): name is RollOutFunctionName =>
  ROLL_OUT_FUNCTION_NAMES.some((own) => own === name);

const startExecutions = (stateMachineArn: string): PolicyStatement =>
  new PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachineArn] });
