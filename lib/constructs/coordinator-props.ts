import { Duration, Token } from 'aws-cdk-lib';
import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { ApprovalPolicy } from '../core/approval/policy.ts';
import type { OutOfOrderPolicy } from '../core/plan/out-of-order.ts';
import type { Budget } from '../core/rehearsal/document.ts';
import type { RehearsalPolicy } from '../core/rehearsal/policy.ts';
import type { AfterRollOutOptions } from './after-roll-out-options.ts';
import type { ApprovalOptions } from './approval.ts';
import type { DatabaseLogin, MigrationDatabase, ResolvedDatabase } from './database.ts';
import type { LongRunningOptions } from './long-running.ts';
import { type PublishedBundles, publishedBundlesProblems } from './published-bundles.ts';
import { refuse } from './refuse.ts';
import { budgetOf, type RehearsalOptions } from './rehearsals.ts';
import type { ReportOptions } from './reports.ts';
import {
  type RestorePointOptions,
  type RestorePointSettings,
  restorePointProblems,
  restorePointSettings,
} from './restore-points.ts';
import { type RunnerOptions, runnerProblems } from './runner.ts';
import type { VerdictReceivers } from './verdict-receivers.ts';

export interface MigrationCoordinatorProps {
  /** An RDS or Aurora construct, or the host of any other PostgreSQL server. */
  readonly database: MigrationDatabase;
  readonly databaseName: string;
  /** @default the secret that CDK or RDS made with the database */
  readonly login?: DatabaseLogin;

  /** Directory of `<revision>_<slug>.sql` files, or a bundle file that `lockstep bundle` wrote. This, or `runner`. */
  readonly migrations?: string;
  /** Another migrator, with its own migrations, which each run starts as a task on Fargate: docs/runner.md. */
  readonly runner?: RunnerOptions;

  /**
   * From where runs may take other bundles than the one of `migrations`: a build publishes them, and a run names one
   * in its input (docs/bundles.md).
   * @default every run applies `migrations`
   */
  readonly bundles?: PublishedBundles;

  /** From where the database can be reached. */
  readonly vpc: IVpc;
  /** @default private subnets, else isolated ones */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * VPC endpoints for DynamoDB, Secrets Manager, Step Functions and EventBridge: true creates them, false says that
   * the VPC has them. Has to be said for isolated subnets, which reach no AWS service otherwise.
   */
  readonly createEndpoints?: boolean;

  /**
   * Name of the database in logs, metrics, events and tags, and the key of its lease.
   * @default the construct's path
   */
  readonly target?: string;

  /**
   * What is taken or noted before a run that has something to do, so that people can go back to the data as it was.
   * @default {} for RDS and Aurora: a snapshot each time, five stay; with `runner`, which is started by every run,
   * { method: 'point-in-time' }; 'none' for a plain host
   */
  readonly restorePoint?: 'none' | RestorePointOptions;
  /**
   * What a failed run does with the migrations that it has applied: revert them by their down scripts, or keep
   * them, so that only the code rolls back.
   * @default 'down'
   */
  readonly rollBackPolicy?: 'down' | 'code-only';

  /**
   * What becomes of a migration that comes with a revision below the highest one that is applied.
   * @default 'refuse'
   */
  readonly outOfOrder?: OutOfOrderPolicy;

  /**
   * Plans that wait for a person before anything is done (docs/approval.md).
   * @default none
   */
  readonly approval?: ApprovalOptions;

  /**
   * Limits: what is pending is rehearsed on a copy of the database, which the run makes and removes; of RDS and Aurora,
   * with a secret as login. 'required': the rehearsal is to be in the run's input (docs/rehearsal.md).
   * @default a run is held to the rehearsal in its input, if there is one
   */
  readonly rehearsal?: RehearsalPolicy | RehearsalOptions;

  /**
   * How long a holder of the lease may be silent before another takes over.
   * @default 1 minute
   */
  readonly leaseDuration?: Duration;
  /**
   * How long a run waits for the lease before it fails; at most 4 hours.
   * @default 30 minutes
   */
  readonly leaseWait?: Duration;
  /**
   * How long one call of Migrate or Roll back may take; no statement can take longer, unless it is `longRunning`.
   * @default 15 minutes, Lambda's limit
   */
  readonly migrateTimeout?: Duration;
  /**
   * Run in a container what takes longer than a function may. `{}` will do.
   * @default a migration that does not fit into a function fails the run (LS604)
   */
  readonly longRunning?: LongRunningOptions;
  /**
   * How long a run may take as a whole, restore point and waiting included.
   * @default 6 hours
   */
  readonly runTimeout?: Duration;

  /**
   * How often to look whether the run that has the lease has ended without freeing it, at least every minute. The event
   * of its end does that at once, and so does the next run: for a target that is deployed rarely, should the event be lost.
   * @default never
   */
  readonly reconcileEvery?: Duration;

  /**
   * Follow the roll-out after a run, with a bake time and alarms: docs/after-roll-out.md.
   * @default a run ends with its signal, and nobody looks what becomes of it
   */
  readonly afterRollOut?: AfterRollOutOptions;

  /**
   * Keep a page about each run that has something to do, and name it in the verdict: docs/operations.md. `{}` will do.
   * @default none are kept; `lockstep runs report RUN` writes one at any time
   */
  readonly reports?: ReportOptions;

  /** @default the account's default bus */
  readonly eventBus?: IEventBus;
  /**
   * Who is told the verdict of every run, beside the event bus.
   * @default nobody
   */
  readonly receivers?: VerdictReceivers;
  /**
   * A symmetric key of your own for what Lockstep keeps: the lease table, the executions and definition of the state
   * machine, and all log groups. Not for the dead letters (ids of executions) and the functions' environment (names).
   * If the app does not own the key, its policy has to let CloudWatch Logs use it (docs/constructs.md).
   * @default keys of AWS
   */
  readonly encryptionKey?: IKey;
  /** @default alarms notify nobody */
  readonly alarmTopic?: ITopic;
  /**
   * URL that alarms send people to; the section is added as `#anchor`.
   * @default the file in the package
   */
  readonly runbookUrl?: string;
}

/** The properties with every default filled in. */
export interface CoordinatorSettings {
  readonly target: string;
  /** Undefined: none are taken. */
  readonly restorePoints: RestorePointSettings | undefined;
  readonly rollBackPolicy: 'down' | 'code-only';
  readonly outOfOrder: OutOfOrderPolicy;
  readonly leaseDuration: Duration;
  readonly leaseWait: Duration;
  readonly migrateTimeout: Duration;
  readonly runTimeout: Duration;
  readonly approval: ApprovalSettings | undefined;
  readonly rehearsal: RehearsalPolicy | undefined;
  /** Where the coordinator rehearses itself. */
  readonly rehearsalBudget: Budget | undefined;
  /** Of a task; undefined without tasks. */
  readonly taskTimeout: Duration | undefined;
}

export interface ApprovalSettings {
  readonly when: ApprovalPolicy;
  readonly topicArn: string;
  readonly timeout: Duration;
}

/** Longer waits could use up the 25,000 events that an execution's history may have. */
export const LONGEST_LEASE_WAIT = Duration.hours(4);
export const LONGEST_RUN = Duration.hours(24);
const LAMBDA_LIMIT = Duration.minutes(15);
/** It becomes a tag of snapshots, which allows these characters, and the name of a metric's dimension. */
const TARGET = /^[\w .:/=+@-]{1,200}$/;

/** Ends the synthesis with all that is wrong at once. */
export function settingsOf(
  scope: Construct,
  props: MigrationCoordinatorProps,
  database: ResolvedDatabase,
): CoordinatorSettings {
  const runTimeout = props.runTimeout ?? Duration.hours(6);
  const task = props.longRunning ?? props.runner;
  const settings = {
    target: props.target ?? scope.node.path,
    restorePoints: restorePointSettings(
      props.restorePoint ?? (props.runner && { method: 'point-in-time' }),
      database,
    ),
    rollBackPolicy: props.rollBackPolicy ?? 'down',
    outOfOrder: props.outOfOrder ?? 'refuse',
    leaseDuration: props.leaseDuration ?? Duration.minutes(1),
    leaseWait: props.leaseWait ?? Duration.minutes(30),
    migrateTimeout: props.migrateTimeout ?? LAMBDA_LIMIT,
    runTimeout,
    approval: props.approval && {
      when: props.approval.when,
      topicArn: props.approval.topic.topicArn,
      timeout: props.approval.timeout ?? partOf(runTimeout, 1 / 3),
    },
    rehearsal: props.rehearsal === 'required' ? 'required' : undefined,
    rehearsalBudget: budgetOf(props.rehearsal),
    taskTimeout: task && (task.timeout ?? partOf(runTimeout, 2 / 3)),
  } as const;
  const problems = problemsOf(settings, props, database);
  if (problems.length > 0) refuse(scope, problems.join(' '));
  return settings;
}

const partOf = (all: Duration, part: number): Duration =>
  Duration.seconds(Math.floor(all.toSeconds() * part));

function problemsOf(
  settings: CoordinatorSettings,
  props: MigrationCoordinatorProps,
  database: ResolvedDatabase,
): string[] {
  const { target } = settings;
  const { reconcileEvery, afterRollOut } = props;
  const rules: readonly (readonly [boolean, string])[] = [
    [
      !Token.isUnresolved(target) && !TARGET.test(target),
      'target has characters that a tag cannot have, or is longer than 200.',
    ],
    ...restorePointProblems(props.restorePoint, database),
    ...runnerProblems(props),
    ...publishedBundlesProblems(props.bundles),
    [
      outside(settings.leaseDuration, Duration.seconds(10), Duration.minutes(15)),
      'leaseDuration is not between 10 seconds and 15 minutes.',
    ],
    [
      outside(settings.leaseWait, Duration.seconds(1), LONGEST_LEASE_WAIT),
      'leaseWait is not between 1 second and 4 hours.',
    ],
    [
      outside(settings.migrateTimeout, Duration.seconds(30), LAMBDA_LIMIT),
      'migrateTimeout is not between 30 seconds and 15 minutes.',
    ],
    [
      outside(settings.runTimeout, settings.leaseWait, LONGEST_RUN),
      'runTimeout is not between leaseWait and 24 hours.',
    ],
    [
      reconcileEvery !== undefined && reconcileEvery.toMilliseconds() < 60_000,
      'reconcileEvery is less than 1 minute.',
    ],
    [
      settings.approval !== undefined &&
        outside(settings.approval.timeout, Duration.seconds(1), settings.runTimeout),
      'approval.timeout is not between 1 second and runTimeout.',
    ],
    [
      settings.rehearsal === 'required' && afterRollOut !== undefined && afterRollOut.contract !== false,
      "rehearsal: 'required' would stop each contract run after a roll-out, which has no rehearsal: write contract: false.",
    ],
    [
      settings.rehearsalBudget !== undefined && !(database.snapshotSource && database.usesSecret),
      'Copies for a rehearsal are made of RDS and Aurora only, and logged in to with a secret.',
    ],
    [
      settings.taskTimeout !== undefined &&
        outside(settings.taskTimeout, Duration.minutes(1), settings.runTimeout),
      'timeout of longRunning or runner is not between 1 minute and runTimeout.',
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}

const outside = (value: Duration, least: Duration, most: Duration): boolean =>
  value.toMilliseconds() < least.toMilliseconds() || value.toMilliseconds() > most.toMilliseconds();
