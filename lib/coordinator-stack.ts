/**
 * A whole stack to try Lockstep with, or to start from: a network without a way to the internet, an Aurora
 * PostgreSQL cluster that costs next to nothing while nobody uses it, and the coordinator.
 *
 * Apps that have a database already use the construct (`MigrationCoordinator`) in a stack of their own.
 */
import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { FlowLogDestination, type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
} from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import { MigrationCoordinator } from './constructs/index.ts';

export interface CoordinatorStackProps extends StackProps {
  /** Directory of .sql files, or a bundle file. */
  readonly migrations: string;
}

const DATABASE_NAME = 'app';
const ISOLATED = { subnetType: SubnetType.PRIVATE_ISOLATED };

export class CoordinatorStack extends Stack {
  readonly coordinator: MigrationCoordinator;

  constructor(scope: Construct, id: string, props: CoordinatorStackProps) {
    super(scope, id, props);
    const vpc = this.createVpc();
    this.coordinator = new MigrationCoordinator(this, 'Coordinator', {
      database: this.createDatabase(vpc),
      databaseName: DATABASE_NAME,
      migrations: props.migrations,
      vpc,
      createEndpoints: true,
    });
  }

  private createVpc(): IVpc {
    const flowLogs = new LogGroup(this, 'FlowLogs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return new Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'database', ...ISOLATED }],
      flowLogs: { all: { destination: FlowLogDestination.toCloudWatchLogs(flowLogs) } },
      // CDK's classes do not fit its own interfaces under exactOptionalPropertyTypes.
    }) as IVpc;
  }

  private createDatabase(vpc: IVpc): DatabaseCluster {
    return new DatabaseCluster(this, 'Database', {
      vpc,
      vpcSubnets: ISOLATED,
      engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_7 }),
      writer: ClusterInstance.serverlessV2('Writer'),
      // Pauses when idle and wakes in about half a minute, for which the functions wait.
      serverlessV2MinCapacity: 0,
      serverlessV2MaxCapacity: 4,
      defaultDatabaseName: DATABASE_NAME,
      credentials: Credentials.fromUsername('lockstep'),
      // RDS keeps the password in Secrets Manager and rotates it.
      manageMasterUserPassword: true,
      iamAuthentication: true,
      storageEncrypted: true,
      deletionProtection: true,
      removalPolicy: RemovalPolicy.SNAPSHOT,
      backup: { retention: Duration.days(7) },
    });
  }
}
