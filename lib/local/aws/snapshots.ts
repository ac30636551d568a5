/**
 * Amazon RDS, the part about manual snapshots. A snapshot is real: an online base backup of the local server,
 * from which a server can be started. As at AWS, it is `creating` first and `available` later.
 */

import { cloneActions } from './clones.ts';
import { databaseActions } from './databases.ts';
import { listOf } from './query-protocol.ts';
import { AwsError, arn, type Service } from './service.ts';

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

interface Snapshot {
  readonly id: string;
  readonly source: string;
  readonly createdAt: Date;
  status: 'creating' | 'available' | 'failed';
  tags: readonly Tag[];
}

export interface SnapshotStorage {
  /** Makes a copy of the server's data under this name. */
  create(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}

/** How the actions for instances and for clusters differ: in names only. */
interface Family {
  readonly prefix: 'DBSnapshot' | 'DBClusterSnapshot';
  readonly idField: string;
  readonly sourceField: string;
  readonly notFound: string;
  readonly exists: string;
  readonly arnType: string;
}

const INSTANCE: Family = {
  prefix: 'DBSnapshot',
  idField: 'DBSnapshotIdentifier',
  sourceField: 'DBInstanceIdentifier',
  notFound: 'DBSnapshotNotFound',
  exists: 'DBSnapshotAlreadyExists',
  arnType: 'snapshot',
};
const CLUSTER: Family = {
  prefix: 'DBClusterSnapshot',
  idField: 'DBClusterSnapshotIdentifier',
  sourceField: 'DBClusterIdentifier',
  notFound: 'DBClusterSnapshotNotFoundFault',
  exists: 'DBClusterSnapshotAlreadyExistsFault',
  arnType: 'cluster-snapshot',
};

type Input = Record<string, string> & { Tags?: unknown; TagKeys?: unknown };

export function rdsService(storage: SnapshotStorage): Service {
  const byArn = new Map<string, Snapshot>();
  return {
    ...actionsOf(INSTANCE, byArn, storage),
    ...actionsOf(CLUSTER, byArn, storage),
    ...tagActions(byArn),
    ...databaseActions,
    ...cloneActions(storage),
  };
}

function actionsOf(family: Family, byArn: Map<string, Snapshot>, storage: SnapshotStorage): Service {
  const arnOf = (id: string) => arn('rds', `${family.arnType}:${id}`);
  const find = (id: string): Snapshot => {
    const found = byArn.get(arnOf(id));
    if (!found) throw new AwsError(family.notFound, `${family.prefix} ${id} not found`);
    return found;
  };
  const show = (s: Snapshot) => ({
    [family.idField]: s.id,
    [family.sourceField]: s.source,
    [`${family.prefix}Arn`]: arnOf(s.id),
    SnapshotCreateTime: s.createdAt,
    SnapshotType: 'manual',
    Status: s.status,
    TagList: { Tag: s.tags },
  });
  return {
    [`Create${family.prefix}`]: (input: Input) => {
      const id = input[family.idField] ?? '';
      if (byArn.has(arnOf(id))) throw new AwsError(family.exists, `${family.prefix} ${id} exists already`);
      const source = input[family.sourceField] ?? '';
      const snapshot: Snapshot = {
        id,
        source,
        createdAt: new Date(),
        status: 'creating',
        tags: listOf(input.Tags),
      };
      byArn.set(arnOf(id), snapshot);
      storage.create(id).then(
        () => {
          snapshot.status = 'available';
        },
        () => {
          snapshot.status = 'failed';
        },
      );
      return { [family.prefix]: show(snapshot) };
    },
    [`Describe${family.prefix}s`]: (input: Input) => {
      const [id, source] = [input[family.idField], input[family.sourceField]];
      const all = id
        ? [find(id)]
        : [...byArn].filter(([a]) => a === arnOf(a.split(':').at(-1) ?? '')).map(([, s]) => s);
      const wanted = all.filter((s) => !source || s.source === source);
      return { [`${family.prefix}s`]: { [family.prefix]: wanted.map(show) } };
    },
    [`Delete${family.prefix}`]: async (input: Input) => {
      const snapshot = find(input[family.idField] ?? '');
      byArn.delete(arnOf(snapshot.id));
      await storage.remove(snapshot.id);
      return { [family.prefix]: { ...show(snapshot), Status: 'deleted' } };
    },
  };
}

function tagActions(byArn: Map<string, Snapshot>): Service {
  const find = (resource: string): Snapshot => {
    const found = byArn.get(resource);
    if (!found) throw new AwsError('DBSnapshotNotFound', `${resource} not found`);
    return found;
  };
  return {
    AddTagsToResource: (input: Input) => {
      const snapshot = find(input.ResourceName ?? '');
      const added = listOf<Tag>(input.Tags);
      const isReplaced = (tag: Tag) => added.some((a) => a.Key === tag.Key);
      snapshot.tags = [...snapshot.tags.filter((t) => !isReplaced(t)), ...added];
      return {};
    },
    ListTagsForResource: (input: Input) => ({ TagList: { Tag: find(input.ResourceName ?? '').tags } }),
  };
}
