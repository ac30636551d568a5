/** Stacks to look at, made once per suite, without bundling. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  DatabaseCluster,
  DatabaseClusterEngine,
  DatabaseInstance,
  DatabaseInstanceEngine,
  PostgresEngineVersion,
} from 'aws-cdk-lib/aws-rds';
import { MigrationCoordinator } from '../../lib/index.ts';

export const MIGRATIONS = new URL('../../migrations', import.meta.url).pathname;
/** For whatever synthesizes: a machine under load takes its time. */
export const SYNTHESIS_MS = 60_000;

export const ISOLATED = { subnetType: SubnetType.PRIVATE_ISOLATED };

export const newApp = (): App =>
  new App({
    context: { 'aws:cdk:bundling-stacks': [] },
    // It takes seconds; `npm run synth` has it switched on.
    builtinCloudFormationValidation: false,
  });

export const newStack = (): Stack => new Stack(newApp(), 'Test');

export const isolatedVpc = (stack: Stack): IVpc =>
  new Vpc(stack, 'Vpc', { natGateways: 0, subnetConfiguration: [{ name: 'database', ...ISOLATED }] }) as IVpc;

export const aurora = (stack: Stack, vpc: IVpc): DatabaseCluster =>
  new DatabaseCluster(stack, 'Database', {
    vpc,
    vpcSubnets: vpc.isolatedSubnets.length > 0 ? ISOLATED : {},
    engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_7 }),
    writer: ClusterInstance.serverlessV2('Writer'),
    iamAuthentication: true,
  });

export const rdsInstance = (stack: Stack, vpc: IVpc): DatabaseInstance =>
  new DatabaseInstance(stack, 'Database', {
    vpc,
    vpcSubnets: ISOLATED,
    engine: DatabaseInstanceEngine.postgres({ version: PostgresEngineVersion.VER_17 }),
  });

export interface AuroraStack {
  readonly stack: Stack;
  readonly coordinator: MigrationCoordinator;
  readonly template: Template;
}

/** The common case: Aurora in isolated subnets, every default. */
export function auroraStack(): AuroraStack {
  const stack = newStack();
  const vpc = isolatedVpc(stack);
  const coordinator = new MigrationCoordinator(stack, 'Coordinator', {
    database: aurora(stack, vpc),
    databaseName: 'orders',
    migrations: MIGRATIONS,
    vpc,
    createEndpoints: true,
    target: 'orders-production',
  });
  return { stack, coordinator, template: Template.fromStack(stack) };
}
