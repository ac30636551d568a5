/**
 * What it takes to make a clone of an Aurora cluster, be it to rehearse on or to go back to: of this cluster only, and
 * only one that bears the tags of the request.
 */
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { acknowledgeWildcard } from './acknowledge.ts';
import { rdsArn, type SnapshotSource } from './database.ts';

/** @param clone ARN that its name fits. @param tagged condition on the tags that are asked for. */
export function grantClone(role: Role, { arn }: SnapshotSource, clone: string, tagged: object): void {
  const groups = ['cluster-pg', 'og', 'subgrp'].map((kind) => rdsArn(role, kind, '*'));
  const actions = ['rds:RestoreDBClusterToPointInTime'];
  role.addToPolicy(new PolicyStatement({ actions, resources: [arn, ...groups] }));
  role.addToPolicy(new PolicyStatement({ actions, resources: [clone], conditions: tagged }));
  for (const group of groups) acknowledgeWildcard(role, group, OF_THE_DATABASE);
}

export const OF_THE_DATABASE =
  'The copy gets the subnet, parameter and option groups of the database, which it is asked for when the copy is made.';
