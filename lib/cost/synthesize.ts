/** The machines that are walked through, from templates as they would be deployed. */
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { LONGEST_ROLL_OUT } from '../constructs/after-roll-out-options.ts';
import { LONGEST_LEASE_WAIT, LONGEST_RUN } from '../constructs/coordinator-problems.ts';
import type { MigrationCoordinatorProps } from '../constructs/coordinator-props.ts';
import { MigrationCoordinator } from '../constructs/migration-coordinator.ts';
import { CoordinatorStack } from '../coordinator-stack.ts';
import type { RollOutLimits } from '../core/rollout/index.ts';
import { EnvName, RollOutStateName } from '../core/workflow/state-name.ts';
import { idsOfType, resolve, type Template } from '../local/template.ts';
import { readWorkflow, type Workflow } from '../local/workflow.ts';
import type { FollowingMachine, Machine } from './cost.ts';
import type { Definition } from './definition.ts';
import type { Machines } from './document.ts';

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations');

/** @param directory for the files of the cloud assemblies */
export function synthesizeMachines(directory: string): Machines {
  const byDefault = synthesize(join(directory, 'by-default'), exampleStack);
  const atItsLimits = synthesize(join(directory, 'at-its-limits'), stackWith(LIMITS));
  const following = synthesize(join(directory, 'following'), stackWith(FOLLOWING));
  return {
    byDefault: machineOf(byDefault),
    atItsLimits: machineOf(atItsLimits),
    following: followingMachineOf(following),
    followingAtItsLimits: followingMachineOf(atItsLimits),
  };
}

const FOLLOW = { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } };

/** With an alarm, which is not the default, and what it is for. */
const FOLLOWING: Options = (stack) => ({
  afterRollOut: { follow: FOLLOW, alarms: [Alarm.fromAlarmName(stack, 'Errors', 'errors')] },
});

type Options = (stack: Stack) => Partial<MigrationCoordinatorProps>;
const LIMITS: Options = (stack) => ({
  leaseWait: LONGEST_LEASE_WAIT,
  runTimeout: LONGEST_RUN,
  longRunning: {},
  rehearsal: {},
  afterRollOut: {
    follow: FOLLOW,
    policy: 'down',
    bakeTime: LONGEST_ROLL_OUT,
    timeout: LONGEST_ROLL_OUT,
    alarms: [Alarm.fromAlarmName(stack, 'Errors', 'errors')],
  },
});

const exampleStack = (app: App): Stack => new CoordinatorStack(app, 'Lockstep', { migrations: MIGRATIONS });

const stackWith =
  (options: Options) =>
  (app: App): Stack => {
    const stack = new Stack(app, 'Limits');
    const database = {
      instanceIdentifier: 'orders',
      instanceEndpointAddress: 'orders.example.com',
      port: 5432,
    };
    new MigrationCoordinator(stack, 'Coordinator', {
      database: DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Database', {
        ...database,
        securityGroups: [],
      }),
      databaseName: 'orders',
      login: { secret: Secret.fromSecretNameV2(stack, 'Login', 'orders/migrator') },
      migrations: MIGRATIONS,
      vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-00000000',
        availabilityZones: ['us-east-1a'],
        privateSubnetIds: ['subnet-00000000'],
      }),
      ...options(stack),
    });
    return stack;
  };

function synthesize(outdir: string, make: (app: App) => Stack): Template {
  const app = new App({
    outdir,
    context: { 'aws:cdk:bundling-stacks': [], 'aws:cdk:enable-path-metadata': true },
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
  });
  const { stackName } = make(app);
  return app.synth().getStackByName(stackName).template;
}

function machineOf(template: Template): Machine {
  const workflow = readWorkflow(template);
  const ofLease = workflow.functions['acquire-lease']?.environment ?? {};
  return {
    definition: workflow.definition as unknown as Definition,
    memoryMb: memoryOf(template, workflow),
    container: containerOf(template, workflow),
    leaseDurationSeconds: Number(ofLease[EnvName.leaseDurationSeconds]),
    leaseWaitSeconds: Number(ofLease[EnvName.leaseWaitSeconds]),
  };
}

/** The limits are what its own states tell its functions. */
function followingMachineOf(template: Template): FollowingMachine {
  const { afterRollOut } = readWorkflow(template);
  const definition = afterRollOut?.definition as unknown as Definition;
  const awaits = definition.States[RollOutStateName.AwaitRollOut] as unknown as {
    readonly Parameters: { readonly limits: RollOutLimits };
  };
  return { ...machineOf(template), definition, limits: awaits.Parameters.limits };
}

function memoryOf(template: Template, { functionByArn }: Workflow): Machine['memoryMb'] {
  const all = idsOfType(template, 'AWS::Lambda::Function').map((id) => {
    const arn = String(resolve(template, { 'Fn::GetAtt': [id, 'Arn'] }));
    return [arn, Number(template.Resources[id]?.Properties.MemorySize)] as const;
  });
  // CDK adds functions of its own, for custom resources.
  return new Map(all.filter(([arn]) => functionByArn.has(arn)));
}

function containerOf(template: Template, { task }: Workflow): Machine['container'] {
  const [id] = task ? idsOfType(template, 'AWS::ECS::TaskDefinition') : [];
  if (id === undefined) return undefined;
  const { Cpu, Memory } = template.Resources[id]?.Properties ?? {};
  return { vcpu: Number(Cpu) / 1024, memoryMb: Number(Memory) };
}
