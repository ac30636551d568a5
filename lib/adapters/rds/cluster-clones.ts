import {
  type DBCluster,
  DeleteDBClusterCommand,
  DescribeDBClustersCommand,
  paginateDescribeDBClusters,
  type RDSClient,
} from '@aws-sdk/client-rds';
import {
  type ClusterSettings,
  RESTORE_POINT_PREFIX,
  restorePointError,
} from '../../core/restore-point/index.ts';
import { cloneCluster, hasClones } from './clone-cluster.ts';
import { FAILED } from './copy-calls.ts';
import { describeCluster } from './describe-source.ts';
import { RdsSnapshots, type Snapshot, type SnapshotApi } from './rds-snapshots.ts';

/**
 * Restore points of an Aurora cluster as clones, without an instance: they share its storage, and only what changes in one
 * of them takes more. One that has got an instance, or protection, is somebody's database and counts as incomplete.
 */
export class RdsClusterClones extends RdsSnapshots {
  constructor(client: RDSClient, clusterId: string) {
    super(cloneApi(client, clusterId));
  }
}

/**
 * That share one storage; what RDS makes beyond that is a full copy, without a word, and takes hours.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Clone.html
 */
const MOST_CLONES = 15;

function cloneApi(client: RDSClient, clusterId: string): SnapshotApi {
  const describe = async (DBClusterIdentifier: string): Promise<DBCluster | undefined> =>
    (await client.send(new DescribeDBClustersCommand({ DBClusterIdentifier }))).DBClusters?.[0];
  const others = async () => (await groupOf(client, await describe(clusterId))).filter(isNot(clusterId));
  return {
    source: `cluster ${clusterId}`,
    describe: async (id) => {
      const found = await describe(id);
      return found && cloneOf(found);
    },
    create: async (id, tags) => {
      const settings = (await describeCluster(client, clusterId)).settings as ClusterSettings;
      if (!hasClones(settings)) throw multiAz(clusterId);
      if ((await others()).length >= MOST_CLONES) throw tooMany(clusterId);
      const made = await cloneCluster(client, clusterId, { id, settings, tags });
      return made && cloneOf(made);
    },
    list: async () =>
      (await others())
        .filter(({ DBClusterIdentifier }) => DBClusterIdentifier?.startsWith(RESTORE_POINT_PREFIX))
        .map((each) => (isUsed(each) ? { ...cloneOf(each), status: 'in use' } : cloneOf(each))),
    delete: async (DBClusterIdentifier) => {
      await client.send(new DeleteDBClusterCommand({ DBClusterIdentifier, SkipFinalSnapshot: true }));
    },
    describeSource: () => describeCluster(client, clusterId),
  };
}

const isNot =
  (id: string) =>
  ({ DBClusterIdentifier }: DBCluster): boolean =>
    DBClusterIdentifier !== id;

/** All that were cloned from the same cluster, itself among them; empty before the first one. */
async function groupOf(client: RDSClient, cluster: DBCluster | undefined): Promise<DBCluster[]> {
  if (!cluster?.CloneGroupId) return [];
  const Filters = [{ Name: 'clone-group-id', Values: [cluster.CloneGroupId] }];
  const all: DBCluster[] = [];
  for await (const page of paginateDescribeDBClusters({ client }, { Filters }))
    all.push(...(page.DBClusters ?? []));
  return all;
}

const isUsed = ({ DBClusterMembers = [], DeletionProtection = false }: DBCluster): boolean =>
  DBClusterMembers.length > 0 || DeletionProtection;

const cloneOf = ({
  DBClusterIdentifier = '',
  Status = 'creating',
  ClusterCreateTime,
  TagList = [],
}: DBCluster): Snapshot => ({
  id: DBClusterIdentifier,
  // What a cluster does by itself (backing-up, maintenance) passes.
  status: Status === 'available' || FAILED.test(Status) ? Status : 'creating',
  createdAtMs: ClusterCreateTime?.getTime() ?? null,
  tags: TagList,
});

const multiAz = (clusterId: string) =>
  restorePointError(
    `The cluster ${clusterId} is a Multi-AZ DB cluster, of which there are no clones.`,
    'Take snapshots (restorePoint of the construct), and start the run again.',
  );

const tooMany = (clusterId: string) =>
  restorePointError(
    `The cluster ${clusterId} has ${MOST_CLONES} clones or more that share its storage, and Aurora would make a full copy instead of another one.`,
    'Delete clones that nobody needs, or take snapshots (restorePoint of the construct); then start the run again.',
  );
