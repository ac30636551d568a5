/**
 * What it takes to restore a cluster to a time, or to make a clone of it, which is the same call: from this cluster only,
 * and only as one that bears the tags of the request.
 */
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { acknowledgeWildcard } from './acknowledge.ts';
import { rdsArn, type SnapshotSource } from './database.ts';

/** @param made ARN that its name fits. @param tagged condition on the tags that are asked for. */
export function grantRestoreCluster(role: Role, { arn }: SnapshotSource, made: string, tagged: object): void {
  const groups = ['cluster-pg', 'og', 'subgrp'].map((kind) => rdsArn(role, kind, '*'));
  const actions = ['rds:RestoreDBClusterToPointInTime'];
  role.addToPolicy(new PolicyStatement({ actions, resources: [arn, ...groups] }));
  role.addToPolicy(new PolicyStatement({ actions, resources: [made], conditions: tagged }));
  for (const group of groups) acknowledgeWildcard(role, group, OF_THE_DATABASE);
}

export const OF_THE_DATABASE =
  'The copy gets the subnet, parameter and option groups of the database, which it is asked for when the copy is made.';
