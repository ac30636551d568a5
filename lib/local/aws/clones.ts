/**
 * Amazon RDS, the part about clones of Aurora clusters. A clone is real: an online base backup of the local server, as
 * its snapshots are. As at AWS, cluster and clones form a group from the first clone on, and a cluster that has instances,
 * or is protected, is not deleted.
 */
import { clusterNamed } from './databases.ts';
import { listOf } from './query-protocol.ts';
import { AwsError, type Service } from './service.ts';
import type { SnapshotStorage } from './snapshots.ts';

interface Clone {
  readonly source: string;
  readonly tags: readonly unknown[];
  readonly createdAt: Date;
  status: 'creating' | 'available' | 'cloning-failed';
  isProtected: boolean;
  readonly instances: string[];
}

type Input = Record<string, string> & { Tags?: unknown; Filters?: unknown };

export function cloneActions(storage: SnapshotStorage): Service {
  const clones = new Map<string, Clone>();
  const shown = (id: string, clone: Clone) => ({
    ...clusterNamed(id),
    CloneGroupId: groupOf(clone.source),
    ClusterCreateTime: clone.createdAt,
    DBClusterMembers: {
      DBClusterMember: clone.instances.map((DBInstanceIdentifier) => ({ DBInstanceIdentifier })),
    },
    DeletionProtection: clone.isProtected,
    Status: clone.status,
    TagList: { Tag: clone.tags },
  });
  const find = (id: string): Clone => {
    const found = clones.get(id);
    if (!found) throw new AwsError('DBClusterNotFoundFault', `DBCluster ${id} not found.`);
    return found;
  };
  const describe = (id: string) => {
    if (id.startsWith('lockstep-')) return shown(id, find(id));
    const isCloned = [...clones.values()].some(({ source }) => source === id);
    return { ...clusterNamed(id), ...(isCloned ? { CloneGroupId: groupOf(id) } : {}) };
  };
  return {
    RestoreDBClusterToPointInTime: (input: Input) => {
      const id = input.DBClusterIdentifier ?? '';
      if (clones.has(id)) throw new AwsError('DBClusterAlreadyExistsFault', `${id} exists already`);
      const clone: Clone = {
        source: input.SourceDBClusterIdentifier ?? '',
        tags: listOf(input.Tags),
        createdAt: new Date(),
        status: 'creating',
        isProtected: input.DeletionProtection === 'true',
        instances: [],
      };
      clones.set(id, clone);
      storage.create(id).then(
        () => Object.assign(clone, { status: 'available' }),
        () => Object.assign(clone, { status: 'cloning-failed' }),
      );
      return { DBCluster: shown(id, clone) };
    },
    DescribeDBClusters: ({ DBClusterIdentifier: id, Filters }: Input) => {
      if (id !== undefined) return { DBClusters: { DBCluster: [describe(id)] } };
      const [filter] = listOf<{ readonly Values: unknown }>(Filters);
      const groups = listOf<string>(filter?.Values);
      const inGroup = [...clones].filter(([, { source }]) => groups.includes(groupOf(source)));
      const sources = new Set(inGroup.map(([, { source }]) => source));
      const all = [...[...sources].map(describe), ...inGroup.map(([name, clone]) => shown(name, clone))];
      return { DBClusters: { DBCluster: all } };
    },
    CreateDBInstance: ({ DBClusterIdentifier: id = '', DBInstanceIdentifier: name = '' }: Input) => {
      find(id).instances.push(name);
      return { DBInstance: { DBInstanceIdentifier: name, DBInstanceStatus: 'creating' } };
    },
    ModifyDBCluster: ({ DBClusterIdentifier: id = '', DeletionProtection }: Input) => {
      const clone = find(id);
      if (DeletionProtection !== undefined) clone.isProtected = DeletionProtection === 'true';
      return { DBCluster: shown(id, clone) };
    },
    DeleteDBCluster: async ({ DBClusterIdentifier: id = '' }: Input) => {
      const clone = find(id);
      if (clone.isProtected)
        throw new AwsError('InvalidParameterCombination', 'Cannot delete protected Cluster');
      if (clone.instances.length > 0)
        throw new AwsError(
          'InvalidDBClusterStateFault',
          'Cluster cannot be deleted, it still contains DB instances',
        );
      clones.delete(id);
      await storage.remove(id);
      return { DBCluster: { ...shown(id, clone), Status: 'deleting' } };
    },
  };
}

const groupOf = (source: string): string => `group-of-${source}`;
