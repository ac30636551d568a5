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
import { lookSeconds, SENDING_BACK_SECONDS } from '../core/rollout/follow-roll-out.ts';
import type { RollOutPolicy } from '../core/rollout/sent-back-verdict.ts';
import { EnvName, ROLL_OUT_FUNCTION_NAMES, type RollOutFunctionName } from '../core/workflow/state-name.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { type AlarmSurroundings, createAlarm } from './alarms.ts';
import type { CoordinatorFunctions } from './coordinator-functions.ts';
import { type CreatedFunction, createFunction } from './create-function.ts';
import { followedOf, grantDeployments, type WhatIsDeployed } from './followed.ts';
import { ROLL_OUT_FUNCTIONS } from './function-settings.ts';
import { describeExecutions, executionsOf, putSignals } from './grants.ts';
import { refuse } from './refuse.ts';
import { ROLL_OUT_TASKS, type RollOutTask, rollOutDefinition } from './roll-out-definition.ts';
import { RunbookSection } from './runbook.ts';
import { createStateMachine, stateMachineNameIn } from './state-machine.ts';

export interface AfterRollOutOptions {
  /** Whose deployments are followed: a service of ECS, or a deployment group of CodeDeploy. */
  readonly follow: WhatIsDeployed;
  /**
   * How long the new version has to be well, once its deployment is complete; at most 24 hours.
   * @default 30 minutes
   */
  readonly bakeTime?: Duration;
  /**
   * Alarms that are not to ring while the version rolls out, nor in the bake time.
   * @default none: the deployment alone is looked at
   */
  readonly alarms?: readonly IAlarm[];
  /**
   * Until the deployment has begun and is complete; at most 24 hours.
   * @default 4 hours
   */
  readonly timeout?: Duration;
  /**
   * What becomes of an unhealthy roll-out: its deployment is sent back (`code-only`), and so are the run's migrations
   * once the old version runs (`down`), or it is only reported (`none`).
   * @default 'code-only'
   */
  readonly policy?: RollOutPolicy;
  /**
   * Whether contract migrations come after the roll-out: a run that names no phase leaves them out, and a healthy
   * roll-out is followed by a run of the phase contract, if there is anything to contract.
   * @default true
   */
  readonly contract?: boolean;
}

export interface AfterRollOutProps {
  readonly options: AfterRollOutOptions;
  readonly target: string;
  readonly functions: CoordinatorFunctions;
  readonly eventBus: IEventBus;
  readonly encryptionKey: IKey | undefined;
  readonly leaseWait: Duration;
  readonly migrateTimeout: Duration;
  readonly alarms: AlarmSurroundings;
}

/** Of the deployment, and of the bake time. */
export const LONGEST_ROLL_OUT = Duration.hours(24);
/** DescribeAlarms takes no more. */
const MOST_ALARMS = 100;

export class AfterRollOut extends Construct {
  /** Known before the machine is there: the workflow starts it, and is started by it. */
  readonly stateMachineArn: string;
  private readonly props: AfterRollOutProps;

  constructor(scope: Construct, id: string, props: AfterRollOutProps) {
    super(scope, id);
    this.props = props;
    this.stateMachineArn = Stack.of(this).formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: stateMachineNameIn(this),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const problems = problemsOf(props.options);
    if (problems.length > 0) refuse(this, problems.join(' '));
  }

  /** Follows the roll-outs of this workflow's runs. */
  follow(workflow: StateMachine): void {
    const { options, encryptionKey, alarms } = this.props;
    const own = this.createFunctions();
    grantDeployments(this, options.follow, {
      looks: own['await-roll-out'].role,
      stops: own['stop-roll-out'].role,
    });
    const stateMachine = createStateMachine(this, this.definition(own, workflow), encryptionKey);
    this.grant(stateMachine, own, workflow);
    workflow.addToRolePolicy(startExecutions(this.stateMachineArn));
    const spec = {
      metric: stateMachine.metricFailed(),
      threshold: 1,
      what: 'a roll-out was unhealthy, or could not be followed.',
      section: RunbookSection.rollOutFailed,
    };
    createAlarm(this, 'Failed', spec, alarms);
  }

  private createFunctions(): Readonly<Record<RollOutFunctionName, CreatedFunction>> {
    const { target, encryptionKey } = this.props;
    const created = ROLL_OUT_FUNCTION_NAMES.map((name) => {
      const settings = ROLL_OUT_FUNCTIONS[name];
      const environment = { [EnvName.target]: target };
      return [name, createFunction(this, name, { target, encryptionKey, settings, environment })] as const;
    });
    return Object.fromEntries(created) as Record<RollOutFunctionName, CreatedFunction>;
  }

  private definition(own: Readonly<Record<RollOutFunctionName, CreatedFunction>>, workflow: StateMachine) {
    const { options, target, functions, eventBus, leaseWait, migrateTimeout } = this.props;
    const { bakeTime = Duration.minutes(30), timeout = Duration.hours(4) } = options;
    const limits = { timeoutSeconds: timeout.toSeconds(), bakeSeconds: bakeTime.toSeconds() };
    // Looks take time, too, and are not counted; a limit that is never reached but by a machine that hangs.
    const longest = Duration.seconds(
      2 * (limits.timeoutSeconds + limits.bakeSeconds + SENDING_BACK_SECONDS + leaseWait.toSeconds()) +
        4 * migrateTimeout.toSeconds(),
    );
    const ofFunction = <T>(mine: (name: RollOutFunctionName) => T, shared: (name: SharedTask) => T) =>
      Object.fromEntries(
        ROLL_OUT_TASKS.map((name) => [name, isOwn(name) ? mine(name) : shared(name)]),
      ) as Record<RollOutTask, T>;
    return rollOutDefinition({
      functionArns: ofFunction(
        (name) => own[name].lambda.functionArn,
        (name) => functions.byName[name].functionArn,
      ),
      functionTimeouts: ofFunction(
        (name) => ROLL_OUT_FUNCTIONS[name].timeout,
        (name) => functions.timeouts[name],
      ),
      partition: Stack.of(this).partition,
      eventBusName: eventBus.eventBusName,
      target,
      follow: followedOf(options.follow),
      limits: { ...limits, lookSeconds: lookSeconds(limits) },
      policy: policyOf(options),
      alarmNames: (options.alarms ?? []).map(({ alarmName }) => alarmName),
      contractWith: options.contract === false ? undefined : workflow.stateMachineArn,
      timeout: longest,
    });
  }

  private grant(
    stateMachine: StateMachine,
    own: Readonly<Record<RollOutFunctionName, CreatedFunction>>,
    workflow: StateMachine,
  ): void {
    const { options, functions, eventBus, encryptionKey } = this.props;
    const policy = policyOf(options);
    const contracts = options.contract !== false;
    const called = calledFunctions(policy, contracts);
    const resources = called.map((name) =>
      isOwn(name) ? own[name].lambda.functionArn : functions.byName[name].functionArn,
    );
    stateMachine.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }));
    if (policy !== 'none') stateMachine.addToRolePolicy(putSignals(eventBus));
    if (contracts) stateMachine.addToRolePolicy(startExecutions(workflow.stateMachineArn));
    this.grantAlarms(stateMachine, options.alarms ?? []);
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

  private grantAlarms(stateMachine: StateMachine, alarms: readonly IAlarm[]): void {
    if (alarms.length === 0) return;
    // CloudWatch shows composite alarms only to who may see all alarms.
    const hasComposite = alarms.some((alarm) => alarm instanceof CompositeAlarm);
    const resources = hasComposite ? ['*'] : alarms.map(({ alarmArn }) => alarmArn);
    stateMachine.addToRolePolicy(new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources }));
  }
}

type SharedTask = Exclude<RollOutTask, RollOutFunctionName>;

const isOwn = (name: RollOutTask): name is RollOutFunctionName =>
  ROLL_OUT_FUNCTION_NAMES.some((own) => own === name);

const policyOf = ({ policy = 'code-only' }: AfterRollOutOptions): RollOutPolicy => policy;

const calledFunctions = (policy: RollOutPolicy, contracts: boolean): RollOutTask[] => [
  'await-roll-out',
  'roll-back',
  ...(policy === 'none' ? [] : (['stop-roll-out'] as const)),
  ...(policy === 'down' ? (['acquire-lease', 'release-lease'] as const) : []),
  ...(contracts ? (['plan'] as const) : []),
];

const startExecutions = (stateMachineArn: string): PolicyStatement =>
  new PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachineArn] });

function problemsOf({ bakeTime, timeout, alarms = [] }: AfterRollOutOptions): string[] {
  const tooLong = (value: Duration | undefined) =>
    value !== undefined && value.toSeconds() > LONGEST_ROLL_OUT.toSeconds();
  const rules: readonly (readonly [boolean, string])[] = [
    [tooLong(bakeTime), 'afterRollOut.bakeTime is longer than 24 hours.'],
    [
      tooLong(timeout) || (timeout !== undefined && timeout.toSeconds() < 60),
      'afterRollOut.timeout is not between 1 minute and 24 hours.',
    ],
    [alarms.length > MOST_ALARMS, 'afterRollOut.alarms are more than 100.'],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}
