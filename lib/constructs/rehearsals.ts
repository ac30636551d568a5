/**
 * Rehearsals on a copy that the coordinator makes before it does anything: a clone of an Aurora cluster, or an instance
 * restored from its continuous backups. The copy is removed by the run, and, should that be stopped, by a schedule.
 */
import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Budget } from '../core/rehearsal/document.ts';
import type { RehearsalPolicy } from '../core/rehearsal/policy.ts';
import {
  EnvName,
  REHEARSAL_FUNCTION_NAMES,
  type RehearsalFunctionName,
} from '../core/workflow/state-name.ts';
import { type AlarmSurroundings, createAlarm } from './alarms.ts';
import { grantMakeCopy, grantRemoveCopies } from './copy-grants.ts';
import { type CreatedFunction, createFunction } from './create-function.ts';
import type { ResolvedDatabase, SnapshotSource } from './database.ts';
import { rehearsalFunctions } from './function-settings.ts';
import type { Network } from './network.ts';
import { grantPublishedBundles, type PublishedBundles } from './published-bundles.ts';
import { RunbookSection } from './runbook.ts';
import type { RehearsalState } from './workflow-rehearsal.ts';

export interface RehearsalOptions {
  /**
   * Longest time for all of what is pending.
   * @default no limit but that of a function, 15 minutes
   */
  readonly maxDuration?: Duration;
  /**
   * Longest wait of a reader or writer for the lock of a table.
   * @default no limit
   */
  readonly maxBlocked?: Duration;
}

/** Undefined where the coordinator makes no copies. */
export const budgetOf = (option: RehearsalPolicy | RehearsalOptions | undefined): Budget | undefined =>
  option === undefined || option === 'required'
    ? undefined
    : {
        maxDurationMs: option.maxDuration?.toMilliseconds() ?? null,
        maxBlockedMs: option.maxBlocked?.toMilliseconds() ?? null,
      };

export interface RehearsalsProps {
  readonly source: SnapshotSource;
  readonly target: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly bundle: LayerVersion;
  readonly database: ResolvedDatabase;
  readonly network: Network;
  readonly publishedBundles: PublishedBundles | undefined;
  readonly encryptionKey: IKey | undefined;
  readonly migrateTimeout: Duration;
  readonly alarms: AlarmSurroundings;
}

/** An expired copy costs as much as any instance. */
const LOOK_EVERY = Duration.hours(1);

export class Rehearsals extends Construct {
  readonly state: RehearsalState;

  constructor(scope: Construct, id: string, props: RehearsalsProps) {
    super(scope, id);
    const settings = rehearsalFunctions(props.migrateTimeout);
    const created = perFunction((name) => this.create(name, props));
    this.state = {
      functionArns: perFunction((name) => created[name].lambda.functionArn),
      functionTimeouts: perFunction((name) => settings[name].timeout),
    };
    const { source, target, database } = props;
    grantMakeCopy(created['make-copy'].role, source, target);
    grantRemoveCopies(created['remove-copies'].role, source, target);
    database.grantLogin(created.rehearse.role);
    if (props.publishedBundles) grantPublishedBundles(created.rehearse.role, props.publishedBundles);
    this.removeExpired(created['remove-copies'], props.alarms);
  }

  private create(name: RehearsalFunctionName, props: RehearsalsProps): CreatedFunction {
    const { target, encryptionKey, network, bundle, source } = props;
    const settings = rehearsalFunctions(props.migrateTimeout)[name];
    const common = { target, encryptionKey, settings };
    if (settings.usesDatabase) {
      return createFunction(this, name, {
        ...common,
        environment: props.environment,
        besideTheDatabase: { network, bundle },
      });
    }
    const environment = {
      [EnvName.target]: target,
      [EnvName.copyKind]: source.kind,
      [EnvName.copySource]: source.identifier,
    };
    return createFunction(this, name, { ...common, environment });
  }

  private removeExpired({ lambda }: CreatedFunction, alarms: AlarmSurroundings): void {
    new Rule(this, 'ExpiredCopies', {
      description: 'Lockstep: removes copies for rehearsals that a stopped run has left behind',
      schedule: Schedule.rate(LOOK_EVERY),
      // A call that fails is made again an hour later.
      targets: [new LambdaTarget(lambda)],
    });
    const spec = {
      metric: lambda.metricErrors({ period: LOOK_EVERY }),
      threshold: 1,
      what: 'a copy for a rehearsal could not be removed, and costs money.',
      section: RunbookSection.copyLeft,
    };
    createAlarm(this, 'CopyLeft', spec, alarms);
  }
}

const perFunction = <T>(
  make: (name: RehearsalFunctionName) => T,
): Readonly<Record<RehearsalFunctionName, T>> =>
  Object.fromEntries(REHEARSAL_FUNCTION_NAMES.map((name) => [name, make(name)])) as Record<
    RehearsalFunctionName,
    T
  >;
