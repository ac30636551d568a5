/** Where copies of the database are made. */
import { RDSClient } from '@aws-sdk/client-rds';
import { RdsClusterCopies } from '../../lib/adapters/rds/cluster-copies.ts';
import { RdsInstanceCopies } from '../../lib/adapters/rds/instance-copies.ts';
import type { CopyStore } from '../../lib/core/rehearsal/copy-store.ts';
import { awsClient } from './aws-clients.ts';
import type { Settings } from './settings.ts';

const rds = awsClient((limits) => new RDSClient(limits));

export const COPY_SETTINGS = ['target', 'copyKind', 'copySource'] as const;

export function copyStore({ copyKind, copySource }: Settings<'copyKind' | 'copySource'>): CopyStore {
  return copyKind === 'rds-cluster'
    ? new RdsClusterCopies(rds(), copySource)
    : new RdsInstanceCopies(rds(), copySource);
}
