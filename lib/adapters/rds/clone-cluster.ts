/** The call that makes a clone of an Aurora cluster: for a rehearsal, or as a restore point. */
import {
  type DBCluster,
  type RDSClient,
  RestoreDBClusterToPointInTimeCommand,
  type Tag,
} from '@aws-sdk/client-rds';
import type { ClusterSettings } from '../../core/restore-point/index.ts';
import { clusterInput } from './restore-inputs.ts';

export interface Clone {
  readonly id: string;
  readonly tags: Tag[];
  /** Of the cluster that it is made of. */
  readonly settings: ClusterSettings;
}

/** Of a Multi-AZ DB cluster there are none. */
export const hasClones = ({ instanceClass }: ClusterSettings): boolean => instanceClass === null;

/** As the cluster is now, with its settings, but without its protection, so that it can be removed. Throws the SDK's errors. */
export async function cloneCluster(
  client: RDSClient,
  source: string,
  { id, tags, settings }: Clone,
): Promise<DBCluster | undefined> {
  const { DBCluster } = await client.send(
    new RestoreDBClusterToPointInTimeCommand({
      SourceDBClusterIdentifier: source,
      DBClusterIdentifier: id,
      RestoreType: 'copy-on-write',
      UseLatestRestorableTime: true,
      Tags: tags,
      ...clusterInput(settings),
      DeletionProtection: false,
    }),
  );
  return DBCluster;
}
