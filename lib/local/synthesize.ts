/** Synthesizes the coordinator as an app would, without bundling: the functions are run from their sources. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { AfterRollOutOptions } from '../constructs/after-roll-out-options.ts';
import type { ApprovalOptions } from '../constructs/approval.ts';
import type { MigrationDatabase } from '../constructs/database.ts';
import type { Deployers } from '../constructs/deployers.ts';
import { MigrationCoordinator } from '../constructs/migration-coordinator.ts';
import type { PublishedBundles } from '../constructs/published-bundles.ts';
import type { RehearsalOptions } from '../constructs/rehearsals.ts';
import type { VerdictReceivers } from '../constructs/verdict-receivers.ts';
import type { RehearsalPolicy } from '../core/rehearsal/policy.ts';
import { arn } from './aws/service.ts';
import type { Template } from './template.ts';

export const SECRET_ARN = arn('secretsmanager', 'secret:database-AAAAAA');

/** What the stack has beside the coordinator as it is by default. */
export interface StackOptions {
  /** A container for long work. */
  readonly longRunning?: boolean | undefined;
  /** Another migrator's command, in the place of the migrations. */
  readonly runner?: readonly [string, ...string[]] | undefined;
  /** Which plans wait for a person; made in the stack given. */
  readonly approval?: ((stack: Stack) => ApprovalOptions) | undefined;
  /** What is pending is rehearsed on a copy of the local server, within these limits; or was, as the input has to say. */
  readonly rehearsal?: RehearsalOptions | RehearsalPolicy | undefined;
  /** Who is told every verdict; made in the stack given. */
  readonly receivers?: ((stack: Stack) => VerdictReceivers) | undefined;
  /** What is followed after a run; made in the stack given. */
  readonly afterRollOut?: ((stack: Stack) => AfterRollOutOptions) | undefined;
  /** From where runs may take other bundles; made in the stack given. */
  readonly bundles?: ((stack: Stack) => PublishedBundles) | undefined;
  /** A page about each run, in a bucket. */
  readonly reports?: boolean | undefined;
  /** Who asks for runs: hooks, approvals, rules. */
  readonly askingDeployers?: ((deployers: Deployers, stack: Stack) => void) | undefined;
}

export interface SynthesisOptions extends StackOptions {
  readonly host: string;
  readonly port: number;
  readonly databaseName: string;
  /** Whether the local runtime can take restore points of this server. */
  readonly takesRestorePoints: boolean;
  readonly migrations: string;
  /** For the files of the cloud assembly. */
  readonly outputDirectory: string;
}

const STACK_NAME = 'lockstep-local';

export function synthesize(options: SynthesisOptions): Template {
  const context = { 'aws:cdk:bundling-stacks': [], 'aws:cdk:enable-path-metadata': true };
  const app = new App({
    outdir: options.outputDirectory,
    context,
    analyticsReporting: false,
    // Two seconds at the first call; whoever deploys the construct gets it.
    builtinCloudFormationValidation: false,
  });
  const stack = new Stack(app, STACK_NAME);
  const { receivers, askingDeployers, longRunning, runner, approval, rehearsal, afterRollOut } = options;
  const { bundles, reports } = options;
  const image = ContainerImage.fromRegistry('registry.example.com/orders');
  const coordinator = new MigrationCoordinator(stack, 'Coordinator', {
    database: databaseOf(stack, options),
    databaseName: options.databaseName,
    login: { secret: Secret.fromSecretCompleteArn(stack, 'Login', SECRET_ARN) },
    vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-00000000',
      availabilityZones: ['us-east-1a'],
      privateSubnetIds: ['subnet-00000000'],
    }),
    ...(runner
      ? { runner: { command: runner, image } }
      : { migrations: options.migrations, rollBackPolicy: 'down' }),
    // As short as it may be: nobody at a demo waits a minute for a lease.
    leaseDuration: Duration.seconds(10),
    target: options.databaseName,
    ...(receivers ? { receivers: receivers(stack) } : {}),
    ...(approval ? { approval: approval(stack) } : {}),
    ...(rehearsal ? { rehearsal } : {}),
    ...(longRunning ? { longRunning: {} } : {}),
    ...(bundles ? { bundles: bundles(stack) } : {}),
    ...(reports ? { reports: {} } : {}),
    ...(afterRollOut ? { afterRollOut: afterRollOut(stack) } : {}),
  });
  askingDeployers?.(coordinator.deployers, stack);
  return app.synth().getStackByName(STACK_NAME).template;
}

function databaseOf(stack: Stack, { host, port, takesRestorePoints }: SynthesisOptions): MigrationDatabase {
  if (!takesRestorePoints) return { host, port };
  return DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Database', {
    instanceIdentifier: STACK_NAME,
    instanceEndpointAddress: host,
    port,
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'DatabaseSecurityGroup', 'sg-00000000')],
  });
}
