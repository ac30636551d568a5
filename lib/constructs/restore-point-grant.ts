/**
 * What take-restore-point may do with RDS: describe this database, and take snapshots or clones of it only, named
 * `lockstep-…` and tagged with this target. It can delete none that a person or another coordinator made, and no clone that
 * has an instance: RDS refuses that, and deleting instances is not granted.
 */
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { RESTORE_POINT_PREFIX } from '../core/restore-point/restore-point-id.ts';
import { RestorePointTag } from '../core/restore-point/restore-point-store.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { rdsArn } from './database.ts';
import { grantRestoreCluster } from './restore-cluster-grant.ts';
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
  if (method === 'clone') grantClones(role, source, target);
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
  const ours = rdsArn(role, actions.snapshot, `${RESTORE_POINT_PREFIX}*`);
  const all = rdsArn(role, actions.snapshot, '*');

  // RDS checks both the database and the new snapshot; the tags come with the request.
  allow(role, [actions.create], [source.arn]);
  allow(role, [actions.create, 'rds:AddTagsToResource'], [ours], withTag('aws:RequestTag', target));
  allow(role, [actions.delete], [ours], withTag('aws:ResourceTag', target));
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

function grantClones(role: Role, source: RestorePointSettings['source'], target: string): void {
  const ours = rdsArn(role, 'cluster', `${RESTORE_POINT_PREFIX}*`);
  const all = rdsArn(role, 'cluster', '*');
  grantRestoreCluster(role, source, ours, withTag('aws:RequestTag', target));
  allow(role, ['rds:AddTagsToResource'], [ours], withTag('aws:RequestTag', target));
  allow(role, ['rds:DeleteDBCluster'], [ours], withTag('aws:ResourceTag', target));
  allow(role, ['rds:DescribeDBClusters'], [all]);
  acknowledgeWildcard(
    role,
    ours,
    'Names of clones are made per run; the tag conditions narrow them to this target.',
  );
  acknowledgeWildcard(
    role,
    all,
    'RDS checks a listing of clusters against cluster:*, whatever the filter; it is reading only.',
  );
}

const withTag = (prefix: string, target: string) => ({
  StringEquals: { [`${prefix}/${RestorePointTag.target}`]: target },
});

const allow = (role: Role, actions: readonly string[], resources: string[], conditions = {}) =>
  role.addToPolicy(new PolicyStatement({ actions: [...actions], resources, conditions }));
