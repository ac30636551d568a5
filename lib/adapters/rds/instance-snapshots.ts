import {
  CreateDBSnapshotCommand,
  type DBSnapshot,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  paginateDescribeDBSnapshots,
  type RDSClient,
} from '@aws-sdk/client-rds';
import { describeInstance } from './describe-source.ts';
import { RdsSnapshots, type Snapshot, type SnapshotApi } from './rds-snapshots.ts';

/** Restore points of one DB instance, by its identifier. */
export class RdsInstanceSnapshots extends RdsSnapshots {
  constructor(client: RDSClient, instanceId: string) {
    super(instanceApi(client, instanceId));
  }
}

function instanceApi(client: RDSClient, instanceId: string): SnapshotApi {
  const DBInstanceIdentifier = instanceId;
  return {
    source: `instance ${instanceId}`,
    describe: async (DBSnapshotIdentifier) => {
      const { DBSnapshots } = await client.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier }));
      return DBSnapshots?.map(snapshotOf)[0];
    },
    create: async (DBSnapshotIdentifier, Tags) => {
      const input = { DBInstanceIdentifier, DBSnapshotIdentifier, Tags };
      const { DBSnapshot } = await client.send(new CreateDBSnapshotCommand(input));
      return DBSnapshot && snapshotOf(DBSnapshot);
    },
    list: async () => {
      const pages = paginateDescribeDBSnapshots({ client }, { DBInstanceIdentifier, SnapshotType: 'manual' });
      const all: Snapshot[] = [];
      for await (const page of pages) all.push(...(page.DBSnapshots ?? []).map(snapshotOf));
      return all;
    },
    delete: async (DBSnapshotIdentifier) => {
      await client.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier }));
    },
    describeSource: () => describeInstance(client, instanceId),
  };
}

const snapshotOf = (snapshot: DBSnapshot): Snapshot => ({
  id: snapshot.DBSnapshotIdentifier ?? '',
  status: snapshot.Status ?? 'creating',
  createdAtMs: snapshot.SnapshotCreateTime?.getTime() ?? null,
  tags: snapshot.TagList ?? [],
});
