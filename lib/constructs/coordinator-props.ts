import type { Duration } from 'aws-cdk-lib';
import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { OutOfOrderPolicy } from '../core/plan/out-of-order.ts';
import type { RehearsalPolicy } from '../core/rehearsal/policy.ts';
import type { AfterRollOutOptions } from './after-roll-out-options.ts';
import type { ApprovalOptions } from './approval.ts';
import type { DatabaseLogin, MigrationDatabase } from './database.ts';
import type { LongRunningOptions } from './long-running.ts';
import type { PublishedBundles } from './published-bundles.ts';
import type { RehearsalOptions } from './rehearsals.ts';
import type { ReportOptions } from './reports.ts';
import type { RestorePointOptions } from './restore-points.ts';
import type { RunnerOptions } from './runner.ts';
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
