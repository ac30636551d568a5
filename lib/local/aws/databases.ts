/** Amazon RDS, the part that describes databases: whatever is asked for is there, and is one small instance. */
import type { Service } from './service.ts';

const COMMON = {
  BackupRetentionPeriod: 7,
  DeletionProtection: true,
  Engine: 'postgres',
  EngineVersion: '18.1',
  IAMDatabaseAuthenticationEnabled: false,
  VpcSecurityGroups: {
    VpcSecurityGroupMembership: [{ VpcSecurityGroupId: 'sg-00000000', Status: 'active' }],
  },
};

const INSTANCE = {
  ...COMMON,
  DBInstanceClass: 'db.t4g.micro',
  DBInstanceStatus: 'available',
  DBParameterGroups: { DBParameterGroup: [{ DBParameterGroupName: 'default.postgres18' }] },
  DBSubnetGroup: { DBSubnetGroupName: 'default' },
  Endpoint: { Port: 5432 },
  MultiAZ: false,
  PubliclyAccessible: false,
  StorageType: 'gp3',
};

const CLUSTER = {
  ...COMMON,
  DBClusterParameterGroup: 'default.postgres18',
  DBSubnetGroup: 'default',
  Engine: 'aurora-postgresql',
  Port: 5432,
  Status: 'available',
};

/** Its backups reach to the present. */
export const instanceNamed = (DBInstanceIdentifier: string) => ({
  ...INSTANCE,
  DBInstanceIdentifier,
  LatestRestorableTime: new Date(),
});

export const clusterNamed = (DBClusterIdentifier: string) => ({ ...CLUSTER, DBClusterIdentifier });

export const databaseActions: Service = {
  DescribeDBInstances: ({ DBInstanceIdentifier = 'member' }) => ({
    DBInstances: { DBInstance: [instanceNamed(DBInstanceIdentifier)] },
  }),
};
