/**
 * What take-restore-point may do with RDS: snapshots of this database only, named `lockstep-…` and tagged with
 * this target. It can delete none that a person or another coordinator made.
 */
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { RestorePointTag } from '../core/restore-point/restore-point-store.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { rdsArn, type SnapshotSource } from './database.ts';

const ACTIONS = {
  'rds-cluster': {
    snapshot: 'cluster-snapshot',
    create: 'rds:CreateDBClusterSnapshot',
    delete: 'rds:DeleteDBClusterSnapshot',
    describe: ['rds:DescribeDBClusterSnapshots', 'rds:DescribeDBClusters'],
  },
  'rds-instance': {
    snapshot: 'snapshot',
    create: 'rds:CreateDBSnapshot',
    delete: 'rds:DeleteDBSnapshot',
    describe: ['rds:DescribeDBSnapshots', 'rds:DescribeDBInstances'],
  },
} as const;

export function grantSnapshots(role: Role, source: SnapshotSource, target: string): void {
  const actions = ACTIONS[source.kind];
  const ours = rdsArn(role, actions.snapshot, 'lockstep-*');
  const all = rdsArn(role, actions.snapshot, '*');
  const withTag = (prefix: string) => ({ StringEquals: { [`${prefix}/${RestorePointTag.target}`]: target } });

  // RDS checks both the database and the new snapshot; the tags come with the request.
  allow(role, [actions.create], [source.arn]);
  allow(role, [actions.create, 'rds:AddTagsToResource'], [ours], withTag('aws:RequestTag'));
  allow(role, [actions.delete], [ours], withTag('aws:ResourceTag'));
  allow(role, actions.describe, [source.arn, all]);

  acknowledgeWildcard(
    role,
    ours,
    'Names of snapshots are made per run; the tag conditions narrow them to this target.',
  );
  acknowledgeWildcard(
    role,
    all,
    'RDS checks a listing of snapshots against snapshot:*, whatever the filter; it is reading only.',
  );
}

const allow = (role: Role, actions: readonly string[], resources: string[], conditions = {}) =>
  role.addToPolicy(new PolicyStatement({ actions: [...actions], resources, conditions }));
