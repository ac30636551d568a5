/** The call that makes a clone of an Aurora cluster: for a rehearsal, or as a restore point. */
import {
  type DBCluster,
  type RDSClient,
  RestoreDBClusterToPointInTimeCommand,
  type Tag,
} from '@aws-sdk/client-rds';
import type { ClusterSettings } from '../../core/restore-point/index.ts';

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
  const { subnetGroup, securityGroups, parameterGroup, port, capacity, iamLogin } = settings;
  const { DBCluster } = await client.send(
    new RestoreDBClusterToPointInTimeCommand({
      SourceDBClusterIdentifier: source,
      DBClusterIdentifier: id,
      RestoreType: 'copy-on-write',
      UseLatestRestorableTime: true,
      VpcSecurityGroupIds: [...securityGroups],
      EnableIAMDatabaseAuthentication: iamLogin,
      DeletionProtection: false,
      Tags: tags,
      ...(subnetGroup === null ? {} : { DBSubnetGroupName: subnetGroup }),
      ...(parameterGroup === null ? {} : { DBClusterParameterGroupName: parameterGroup }),
      ...(port === null ? {} : { Port: port }),
      ...(capacity
        ? { ServerlessV2ScalingConfiguration: { MinCapacity: capacity.min, MaxCapacity: capacity.max } }
        : {}),
    }),
  );
  return DBCluster;
}
