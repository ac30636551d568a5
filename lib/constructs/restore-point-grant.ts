/**
 * What take-restore-point may do with RDS: describe this database, and take snapshots of it only, named `lockstep-…` and
 * tagged with this target. It can delete none that a person or another coordinator made.
 */
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { RestorePointTag } from '../core/restore-point/restore-point-store.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { rdsArn } from './database.ts';
import type { RestorePointSettings } from './restore-points.ts';

const ACTIONS = {
  'rds-cluster': {
    snapshot: 'cluster-snapshot',
    create: 'rds:CreateDBClusterSnapshot',
    delete: 'rds:DeleteDBClusterSnapshot',
    list: 'rds:DescribeDBClusterSnapshots',
    describe: 'rds:DescribeDBClusters',
  },
  'rds-instance': {
    snapshot: 'snapshot',
    create: 'rds:CreateDBSnapshot',
    delete: 'rds:DeleteDBSnapshot',
    list: 'rds:DescribeDBSnapshots',
    describe: 'rds:DescribeDBInstances',
  },
} as const;

export function grantRestorePoints(
  role: Role,
  { source, method }: RestorePointSettings,
  target: string,
): void {
  allow(role, [ACTIONS[source.kind].describe], [source.arn]);
  if (source.kind === 'rds-cluster') grantDescribeMembers(role);
  if (method === 'snapshot') grantSnapshots(role, source, target);
}

/** Which class the members have that a restored cluster is to get, only they know. */
function grantDescribeMembers(role: Role): void {
  const instances = rdsArn(role, 'db', '*');
  allow(role, ['rds:DescribeDBInstances'], [instances]);
  acknowledgeWildcard(
    role,
    instances,
    'RDS checks a listing of instances against db:*, whatever the filter; it is reading only.',
  );
}

function grantSnapshots(role: Role, source: RestorePointSettings['source'], target: string): void {
  const actions = ACTIONS[source.kind];
  const ours = rdsArn(role, actions.snapshot, 'lockstep-*');
  const all = rdsArn(role, actions.snapshot, '*');
  const withTag = (prefix: string) => ({ StringEquals: { [`${prefix}/${RestorePointTag.target}`]: target } });

  // RDS checks both the database and the new snapshot; the tags come with the request.
  allow(role, [actions.create], [source.arn]);
  allow(role, [actions.create, 'rds:AddTagsToResource'], [ours], withTag('aws:RequestTag'));
  allow(role, [actions.delete], [ours], withTag('aws:ResourceTag'));
  // Snapshots of a database are listed by the database.
  allow(role, [actions.list], [source.arn, all]);

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
