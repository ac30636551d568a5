/**
 * Amazon RDS, the part that restores an instance to its latest time, or from a snapshot. A copy is real: a server on an
 * online base backup of the local one, or on one that was made before. As at AWS, it is `creating` first and `available` later.
 */
import { instanceNamed } from './databases.ts';
import { listOf } from './query-protocol.ts';
import { AwsError, type Service } from './service.ts';

export interface CopyStorage {
  /** Makes a copy of the server under this name, and gives its port. */
  start(id: string): Promise<number>;
  /** The same of a snapshot. */
  restore(id: string, snapshot: string): Promise<number>;
  stop(id: string): Promise<void>;
}

interface Copy {
  readonly tags: readonly unknown[];
  status: 'creating' | 'available' | 'failed';
  port: number;
}

type Input = Record<string, string> & { Tags?: unknown };

export function copyActions(storage: CopyStorage): Service {
  const copies = new Map<string, Copy>();
  const shown = (id: string, { status, port, tags }: Copy) => ({
    ...instanceNamed(id),
    DBInstanceStatus: status,
    Endpoint: { Address: '127.0.0.1', Port: port },
    TagList: { Tag: tags },
  });
  const begin = (id: string, input: Input, start: () => Promise<number>) => {
    if (copies.has(id)) throw new AwsError('DBInstanceAlreadyExists', `DB instance ${id} exists already`);
    const copy: Copy = { status: 'creating', port: 0, tags: listOf(input.Tags) };
    copies.set(id, copy);
    start().then(
      (port) => Object.assign(copy, { status: 'available', port }),
      () => Object.assign(copy, { status: 'failed' }),
    );
    return { DBInstance: shown(id, copy) };
  };
  return {
    RestoreDBInstanceToPointInTime: (input: Input) => {
      const id = input.TargetDBInstanceIdentifier ?? '';
      return begin(id, input, () => storage.start(id));
    },
    RestoreDBInstanceFromDBSnapshot: (input: Input) => {
      const id = input.DBInstanceIdentifier ?? '';
      return begin(id, input, () => storage.restore(id, input.DBSnapshotIdentifier ?? ''));
    },
    DescribeDBInstances: ({ DBInstanceIdentifier: id }: Input) => {
      const copy = copies.get(id ?? '');
      if (id !== undefined && copy) return { DBInstances: { DBInstance: [shown(id, copy)] } };
      if (id !== undefined && /^lockstep-(copy|restored)-/.test(id))
        throw new AwsError('DBInstanceNotFound', `DBInstance ${id} not found.`);
      const others = id === undefined ? [...copies].map(([name, each]) => shown(name, each)) : [];
      return { DBInstances: { DBInstance: [instanceNamed(id ?? 'member'), ...others] } };
    },
    DeleteDBInstance: async ({ DBInstanceIdentifier: id = '' }: Input) => {
      const copy = copies.get(id);
      if (!copy) throw new AwsError('DBInstanceNotFound', `DBInstance ${id} not found.`);
      copies.delete(id);
      await storage.stop(id);
      return { DBInstance: { ...shown(id, copy), DBInstanceStatus: 'deleting' } };
    },
  };
}
