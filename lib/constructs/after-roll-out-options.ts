/** What may be asked for after a roll-out, with every default, and what that leads to. */
import { Duration } from 'aws-cdk-lib';
import type { IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { lookSeconds, type RollOutLimits } from '../core/rollout/follow-roll-out.ts';
import type { RollOutPolicy } from '../core/rollout/sent-back-verdict.ts';
import type { WhatIsDeployed } from './followed.ts';
import type { RollOutTask } from './roll-out-definition.ts';
import type { ApprovalState } from './workflow-approval.ts';

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
   * once the old version runs (`down`), or a person is asked whether the data of before the run is to be brought back, as
   * a new database (`restore`), or it is only reported (`none`).
   * @default 'code-only'
   */
  readonly policy?: RollOutPolicy;
  /** Who is asked; with the policy `restore`, and only then. */
  readonly restore?: RestoreOptions;
  /**
   * Whether contract migrations come after the roll-out: a run that names no phase leaves them out, and a healthy
   * roll-out is followed by a run of the phase contract, if there is anything to contract.
   * @default true
   */
  readonly contract?: boolean;
}

export interface RestoreOptions {
  /** Gets the request: what happened, what would be made, and how to approve and to refuse. */
  readonly topic: ITopic;
  /**
   * How long an answer may take, at most 24 hours; after that nothing is restored.
   * @default 4 hours
   */
  readonly timeout?: Duration;
}

/** Of the deployment, and of the bake time. */
export const LONGEST_ROLL_OUT = Duration.hours(24);
/** DescribeAlarms takes no more. */
const MOST_ALARMS = 100;

/** The options with every default filled in. */
export interface RollOutSettings {
  readonly policy: RollOutPolicy;
  readonly contracts: boolean;
  readonly alarms: readonly IAlarm[];
  readonly limits: RollOutLimits;
  readonly restore: ApprovalState | undefined;
  /** Functions that the machine calls. */
  readonly called: readonly RollOutTask[];
}

export function rollOutSettings(options: AfterRollOutOptions): RollOutSettings {
  const { policy = 'code-only', contract: contracts = true, alarms = [] } = options;
  const { bakeTime = Duration.minutes(30), timeout = Duration.hours(4) } = options;
  const limits = { timeoutSeconds: timeout.toSeconds(), bakeSeconds: bakeTime.toSeconds() };
  return {
    policy,
    contracts,
    alarms,
    limits: { ...limits, lookSeconds: lookSeconds(limits) },
    restore: options.restore && {
      topicArn: options.restore.topic.topicArn,
      timeout: options.restore.timeout ?? Duration.hours(4),
    },
    called: calledFunctions(policy, contracts),
  };
}

const calledFunctions = (policy: RollOutPolicy, contracts: boolean): RollOutTask[] => [
  'await-roll-out',
  'roll-back',
  ...(policy === 'none' ? [] : (['stop-roll-out'] as const)),
  ...(policy === 'down' ? (['acquire-lease', 'release-lease'] as const) : []),
  ...(policy === 'restore' ? (['restore-database'] as const) : []),
  ...(contracts ? (['plan'] as const) : []),
];

/** What is wrong with the options; empty if nothing is. */
export function problemsOf(
  { bakeTime, timeout, alarms = [], policy, restore }: AfterRollOutOptions,
  takesRestorePoints: boolean,
): string[] {
  const tooLong = (value: Duration | undefined) =>
    value !== undefined && value.toSeconds() > LONGEST_ROLL_OUT.toSeconds();
  const rules: readonly (readonly [boolean, string])[] = [
    [tooLong(bakeTime), 'afterRollOut.bakeTime is longer than 24 hours.'],
    [
      tooLong(timeout) || (timeout !== undefined && timeout.toSeconds() < 60),
      'afterRollOut.timeout is not between 1 minute and 24 hours.',
    ],
    [
      (policy === 'restore') !== (restore !== undefined),
      "afterRollOut.policy 'restore' and afterRollOut.restore, with the topic that is asked, need each other.",
    ],
    [
      policy === 'restore' && !takesRestorePoints,
      "afterRollOut.policy 'restore' needs restore points (restorePoint), which are taken of RDS and Aurora.",
    ],
    [
      tooLong(restore?.timeout) || (restore?.timeout !== undefined && restore.timeout.toSeconds() < 60),
      'afterRollOut.restore.timeout is not between 1 minute and 24 hours.',
    ],
    [alarms.length > MOST_ALARMS, 'afterRollOut.alarms are more than 100.'],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}
