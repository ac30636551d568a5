/** A DB instance or cluster as RDS describes it: what a restored one has to be given again. */
import {
  type DBCluster,
  type DBInstance,
  DescribeDBClustersCommand,
  paginateDescribeDBInstances,
  type RDSClient,
} from '@aws-sdk/client-rds';
import type { ClusterSettings, SourceDescription } from '../../core/restore-point/index.ts';

const UNKNOWN = 'in an unknown state';

export async function describeInstance(client: RDSClient, instanceId: string): Promise<SourceDescription> {
  const [instance = {}] = await instances(client, { DBInstanceIdentifier: instanceId });
  return {
    state: instance.DBInstanceStatus ?? UNKNOWN,
    hasContinuousBackups: (instance.BackupRetentionPeriod ?? 0) > 0,
    settings: {
      type: 'instance',
      instanceClass: instance.DBInstanceClass ?? '',
      subnetGroup: instance.DBSubnetGroup?.DBSubnetGroupName ?? null,
      securityGroups: securityGroupsOf(instance),
      parameterGroup: parameterGroupOf(instance),
      port: instance.Endpoint?.Port ?? null,
      iamLogin: instance.IAMDatabaseAuthenticationEnabled ?? false,
      deletionProtection: instance.DeletionProtection ?? false,
      multiAz: instance.MultiAZ ?? false,
      publiclyAccessible: instance.PubliclyAccessible ?? false,
      storageType: instance.StorageType ?? null,
    },
  };
}

export async function describeCluster(client: RDSClient, clusterId: string): Promise<SourceDescription> {
  const { DBClusters } = await client.send(new DescribeDBClustersCommand({ DBClusterIdentifier: clusterId }));
  const cluster: DBCluster = DBClusters?.[0] ?? {};
  const scaling = cluster.ServerlessV2ScalingConfiguration;
  return {
    state: cluster.Status ?? UNKNOWN,
    hasContinuousBackups: (cluster.BackupRetentionPeriod ?? 0) > 0,
    settings: {
      type: 'cluster',
      engine: cluster.Engine ?? '',
      engineVersion: cluster.EngineVersion ?? null,
      subnetGroup: cluster.DBSubnetGroup ?? null,
      securityGroups: securityGroupsOf(cluster),
      parameterGroup: cluster.DBClusterParameterGroup ?? null,
      port: cluster.Port ?? null,
      iamLogin: cluster.IAMDatabaseAuthenticationEnabled ?? false,
      deletionProtection: cluster.DeletionProtection ?? false,
      capacity: scaling ? { min: scaling.MinCapacity ?? 0.5, max: scaling.MaxCapacity ?? 1 } : null,
      instanceClass: cluster.DBClusterInstanceClass ?? null,
      members: await membersOf(client, cluster),
    },
  };
}

/** None of a Multi-AZ DB cluster: it makes its own. */
async function membersOf(client: RDSClient, cluster: DBCluster): Promise<ClusterSettings['members']> {
  if (cluster.DBClusterInstanceClass) return [];
  const id = cluster.DBClusterIdentifier ?? '';
  const all = await instances(client, { Filters: [{ Name: 'db-cluster-id', Values: [id] }] });
  const writer = cluster.DBClusterMembers?.find((member) => member.IsClusterWriter)?.DBInstanceIdentifier;
  const isReader = (instance: DBInstance) => Number(instance.DBInstanceIdentifier !== writer);
  return all
    .sort((a, b) => isReader(a) - isReader(b))
    .map((instance) => ({
      instanceClass: instance.DBInstanceClass ?? '',
      parameterGroup: parameterGroupOf(instance),
      publiclyAccessible: instance.PubliclyAccessible ?? false,
    }));
}

async function instances(
  client: RDSClient,
  input: Parameters<typeof paginateDescribeDBInstances>[1],
): Promise<DBInstance[]> {
  const all: DBInstance[] = [];
  for await (const page of paginateDescribeDBInstances({ client }, input))
    all.push(...(page.DBInstances ?? []));
  return all;
}

const securityGroupsOf = ({ VpcSecurityGroups = [] }: DBInstance | DBCluster): string[] =>
  VpcSecurityGroups.flatMap(({ VpcSecurityGroupId }) => VpcSecurityGroupId ?? []);

const parameterGroupOf = ({ DBParameterGroups }: DBInstance): string | null =>
  DBParameterGroups?.[0]?.DBParameterGroupName ?? null;
