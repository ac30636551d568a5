/**
 * What runs another migrator in the workflow: a Fargate task with the user's own image, in which `lockstep exec` stands in
 * front of the command. The run's lease is handed over to it; ECS reads the login from its secret and gives it to the
 * container, where both Lockstep and the migrator find it.
 */
import { type ContainerImage, RepositoryImage, Secret } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { EnvName } from '../core/workflow/state-name.ts';
import type { ResolvedDatabase } from './database.ts';
import { FargateTask, type FargateTaskOptions, type FargateTaskProps } from './fargate-task.ts';
import type { LeaseTable } from './lease-table.ts';
import { refuse } from './refuse.ts';

export interface RunnerOptions extends FargateTaskOptions {
  /** Program and arguments of the migrator: `['alembic', 'upgrade', 'head']`. No shell reads them. */
  readonly command: readonly [string, ...string[]];
  /** With the migrator, its migrations, and the command `lockstep`: docs/runner.md. */
  readonly image: ContainerImage;
}

export interface RunnerProps extends Omit<FargateTaskProps, 'container' | 'mayPull'> {
  readonly options: RunnerOptions;
  readonly database: ResolvedDatabase;
  readonly leaseTable: LeaseTable;
}

export class Runner extends FargateTask {
  constructor(scope: Construct, id: string, props: RunnerProps) {
    const { options, database, leaseTable, target, timeout } = props;
    const { secret, environment } = database;
    if (!secret) refuse(scope, 'A runner logs in with a user name and a password: give login: { secret }.');
    super(scope, id, {
      ...props,
      mayPull: !(options.image instanceof RepositoryImage),
      container: () => ({
        image: options.image,
        entryPoint: ['lockstep'],
        command: ['exec', '--timeout', `${timeout.toSeconds()}s`, '--', ...options.command],
        environment: {
          LOCKSTEP_TARGET: target,
          LOCKSTEP_LEASE: `dynamodb://${leaseTable.tableName}`,
          PGHOST: environment[EnvName.databaseHost] ?? '',
          PGPORT: environment[EnvName.databasePort] ?? '',
          PGDATABASE: environment[EnvName.databaseName] ?? '',
        },
        secrets: {
          PGUSER: Secret.fromSecretsManager(secret, 'username'),
          PGPASSWORD: Secret.fromSecretsManager(secret, 'password'),
        },
      }),
    });
    leaseTable.grantLease(this.taskRole);
  }
}

/** What of the coordinator's other properties does not go together with another migrator. */
export interface BesideRunner {
  readonly runner?: RunnerOptions;
  readonly migrations?: string;
  readonly longRunning?: object;
  readonly approval?: object;
  readonly bundles?: object;
  readonly rehearsal?: string | object;
  readonly afterRollOut?: object;
  readonly outOfOrder?: string;
  readonly rollBackPolicy?: string;
  readonly restorePoint?: 'none' | { readonly when?: string };
}

const OF_OWN_MIGRATIONS = [
  'bundles',
  'longRunning',
  'approval',
  'rehearsal',
  'afterRollOut',
  'outOfOrder',
  'rollBackPolicy',
] as const;

export function runnerProblems(props: BesideRunner): readonly (readonly [boolean, string])[] {
  const { runner, migrations, restorePoint } = props;
  const given = OF_OWN_MIGRATIONS.filter((name) => props[name] !== undefined);
  const when = typeof restorePoint === 'object' ? restorePoint.when : undefined;
  return [
    [
      (runner === undefined) === (migrations === undefined),
      'Exactly one of migrations (Lockstep runs them) and runner (another migrator runs its own) has to be given.',
    ],
    [
      runner !== undefined && given.length > 0,
      `${given.join(', ')}: these are for migrations that Lockstep runs itself, and do not go with runner.`,
    ],
    [
      runner !== undefined && when === 'when-destructive',
      'restorePoint.when: what a runner would destroy is not known beforehand.',
    ],
    [runner?.command.length === 0, 'runner.command is empty.'],
  ];
}

/** As environment: the name alone, because arguments may hold a password. */
export const programOf = ({ command: [program] }: RunnerOptions): string =>
  program.split('/').at(-1) ?? program;
