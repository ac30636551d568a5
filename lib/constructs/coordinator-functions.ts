/**
 * The seven functions, each with a role and a log group of its own. What one may do beyond logging is said in
 * `grant` below and in grantDescribeExecutions, and nowhere else.
 */
import type { Duration } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Policy, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { FUNCTION_NAMES, type FunctionName } from '../core/workflow/state-name.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { createFunction } from './create-function.ts';
import type { ResolvedDatabase } from './database.ts';
import { type FunctionSettings, functionSettings } from './function-settings.ts';
import { describeExecutions, executionsOf, putSignals } from './grants.ts';
import type { LeaseTable } from './lease-table.ts';
import type { Network } from './network.ts';
import { grantPublishedBundles, type PublishedBundles } from './published-bundles.ts';
import { grantRestorePoints } from './restore-point-grant.ts';
import { expireRestorePoints, type RestorePointSettings } from './restore-points.ts';

export interface CoordinatorFunctionsProps {
  readonly target: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly bundle: LayerVersion;
  readonly database: ResolvedDatabase;
  readonly network: Network;
  readonly leaseTable: LeaseTable;
  readonly eventBus: IEventBus;
  readonly encryptionKey: IKey | undefined;
  readonly restorePoints: RestorePointSettings | undefined;
  readonly publishedBundles: PublishedBundles | undefined;
  readonly migrateTimeout: Duration;
}

export type PerFunction<T> = Readonly<Record<FunctionName, T>>;

/** And need the migrations. */
const LOG_IN: readonly FunctionName[] = ['plan', 'migrate', 'roll-back', 'clean-up'];
const USE_LEASE: readonly FunctionName[] = [
  'acquire-lease',
  'migrate',
  'release-lease',
  'roll-back',
  'clean-up',
];

export class CoordinatorFunctions extends Construct {
  readonly byName: PerFunction<LambdaFunction>;
  readonly timeouts: PerFunction<Duration>;
  private readonly roles: PerFunction<Role>;

  constructor(scope: Construct, id: string, props: CoordinatorFunctionsProps) {
    super(scope, id);
    const settings = functionSettings(props.migrateTimeout);
    const created = perFunction((name) => this.create(name, settings[name], props));
    this.byName = perFunction((name) => created[name].lambda);
    this.roles = perFunction((name) => created[name].role);
    this.timeouts = perFunction((name) => settings[name].timeout);
    this.grant(props);
    props.database.letIn(props.network.securityGroup);
  }

  private create(name: FunctionName, settings: FunctionSettings, props: CoordinatorFunctionsProps) {
    const { network, bundle, ...rest } = props;
    const besideTheDatabase = { network, bundle };
    return createFunction(this, name, {
      ...rest,
      settings,
      ...(settings.usesDatabase ? { besideTheDatabase } : {}),
    });
  }

  private grant(props: CoordinatorFunctionsProps): void {
    const { database, leaseTable, eventBus, restorePoints, publishedBundles, target } = props;
    for (const name of LOG_IN) {
      database.grantLogin(this.roles[name]);
      if (publishedBundles) grantPublishedBundles(this.roles[name], publishedBundles);
    }
    for (const name of USE_LEASE) leaseTable.grantLease(this.roles[name]);
    if (restorePoints) grantRestorePoints(this.roles['take-restore-point'], restorePoints, target);
    expireRestorePoints(this, restorePoints, this.byName['take-restore-point']);
    this.roles['clean-up'].addToPolicy(putSignals(eventBus));
  }

  /** To be granted what comes with an option. */
  roleOf(name: FunctionName): Role {
    return this.roles[name];
  }

  /**
   * For acquire-lease, which looks whether a holder that is an execution still runs, and for clean-up, which
   * leaves one that was redriven alone. In a policy of its own: the machine depends on the functions and their
   * roles, so these cannot depend on the machine.
   */
  grantDescribeExecutions(stateMachine: StateMachine, encryptionKey: IKey | undefined): void {
    const policy = new Policy(this, 'DescribeExecutions', {
      roles: [this.roles['acquire-lease'], this.roles['clean-up']],
      statements: describeExecutions(stateMachine, encryptionKey),
    });
    acknowledgeWildcard(
      policy,
      executionsOf(stateMachine),
      'Executions are named when they start; all are of this one state machine.',
    );
  }
}

const perFunction = <T>(make: (name: FunctionName) => T): PerFunction<T> =>
  Object.fromEntries(FUNCTION_NAMES.map((name) => [name, make(name)])) as Record<FunctionName, T>;
