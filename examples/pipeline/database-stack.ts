import { Stack, type StackProps } from 'aws-cdk-lib';
import { type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
} from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
// In your app: import { MigrationCoordinator } from 'lockstep';
import { MigrationCoordinator } from '../../lib/index.ts';

/** The database of a shop, and the coordinator that migrates it. */
export class DatabaseStack extends Stack {
  readonly vpc: IVpc;
  readonly coordinator: MigrationCoordinator;

  constructor(
    scope: Construct,
    id: string,
    { migrations, ...props }: StackProps & { readonly migrations: string },
  ) {
    super(scope, id, props);
    this.vpc = new Vpc(this, 'Vpc', { maxAzs: 2 }) as IVpc;
    const database = new DatabaseCluster(this, 'Database', {
      vpc: this.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_7 }),
      writer: ClusterInstance.serverlessV2('Writer'),
      defaultDatabaseName: 'orders',
      credentials: Credentials.fromUsername('orders'),
      manageMasterUserPassword: true,
      storageEncrypted: true,
      deletionProtection: true,
    });
    this.coordinator = new MigrationCoordinator(this, 'Coordinator', {
      database,
      databaseName: 'orders',
      migrations,
      vpc: this.vpc,
      target: 'orders-production',
    });
  }
}
