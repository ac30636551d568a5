import {
  CreateDBClusterSnapshotCommand,
  type DBClusterSnapshot,
  DeleteDBClusterSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  paginateDescribeDBClusterSnapshots,
  type RDSClient,
} from '@aws-sdk/client-rds';
import { describeCluster } from './describe-source.ts';
import { RdsSnapshots, type Snapshot, type SnapshotApi } from './rds-snapshots.ts';

/** Restore points of one DB cluster (Aurora or Multi-AZ), by its identifier. */
export class RdsClusterSnapshots extends RdsSnapshots {
  constructor(client: RDSClient, clusterId: string) {
    super(clusterApi(client, clusterId));
  }
}

function clusterApi(client: RDSClient, clusterId: string): SnapshotApi {
  const DBClusterIdentifier = clusterId;
  return {
    source: `cluster ${clusterId}`,
    describe: async (DBClusterSnapshotIdentifier) => {
      const { DBClusterSnapshots } = await client.send(
        new DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier }),
      );
      return DBClusterSnapshots?.map(snapshotOf)[0];
    },
    create: async (DBClusterSnapshotIdentifier, Tags) => {
      const input = { DBClusterIdentifier, DBClusterSnapshotIdentifier, Tags };
      const { DBClusterSnapshot } = await client.send(new CreateDBClusterSnapshotCommand(input));
      return DBClusterSnapshot && snapshotOf(DBClusterSnapshot);
    },
    list: async () => {
      const pages = paginateDescribeDBClusterSnapshots(
        { client },
        { DBClusterIdentifier, SnapshotType: 'manual' },
      );
      const all: Snapshot[] = [];
      for await (const page of pages) all.push(...(page.DBClusterSnapshots ?? []).map(snapshotOf));
      return all;
    },
    delete: async (DBClusterSnapshotIdentifier) => {
      await client.send(new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier }));
    },
    describeSource: () => describeCluster(client, clusterId),
  };
}

const snapshotOf = (snapshot: DBClusterSnapshot): Snapshot => ({
  id: snapshot.DBClusterSnapshotIdentifier ?? '',
  status: snapshot.Status ?? 'creating',
  createdAtMs: snapshot.SnapshotCreateTime?.getTime() ?? null,
  tags: snapshot.TagList ?? [],
});
