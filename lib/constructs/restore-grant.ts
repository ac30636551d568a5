/**
 * What restore-database may do with RDS: make a new database of a restore point of this target, named `lockstep-restored-…`
 * and tagged with the target, and look how far it is. With the old one it may do nothing but restore from it to a time, and
 * describe it; it can delete nothing, and rename nothing.
 */
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { RESTORED_PREFIX, RestoredTag } from '../core/restore-point/restoration-store.ts';
import { RESTORE_POINT_PREFIX } from '../core/restore-point/restore-point-id.ts';
import { RestorePointTag } from '../core/restore-point/restore-point-store.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { rdsArn } from './database.ts';
import { grantRestoreCluster, OF_THE_DATABASE } from './restore-cluster-grant.ts';
import type { RestorePointSettings } from './restore-points.ts';

export function grantRestore(role: Role, settings: RestorePointSettings, target: string): void {
  const arn = (kind: string, name: string) => rdsArn(role, kind, name);
  const tags = {
    asked: { StringEquals: { [`aws:RequestTag/${RestoredTag.target}`]: target } },
    taken: { StringEquals: { [`aws:ResourceTag/${RestorePointTag.target}`]: target } },
  };
  const names = {
    instance: arn('db', `${RESTORED_PREFIX}*`),
    cluster: arn('cluster', `${RESTORED_PREFIX}*`),
    clone: arn('cluster', `${RESTORE_POINT_PREFIX}*`),
  };
  if (settings.source.kind === 'rds-cluster') grantCluster(role, settings, tags, names);
  else grantInstance(role, settings, tags, names.instance);
}

interface Tags {
  readonly asked: object;
  readonly taken: object;
}
type Names = Readonly<Record<'instance' | 'cluster' | 'clone', string>>;

function grantInstance(
  role: Role,
  { source, method }: RestorePointSettings,
  { asked, taken }: Tags,
  instance: string,
): void {
  const groups = groupsOf(role, ['pg', 'og', 'subgrp']);
  if (method === 'snapshot') {
    const restore = 'rds:RestoreDBInstanceFromDBSnapshot';
    allow(role, [restore], [snapshots(role, 'snapshot')], taken);
    allow(role, [restore], groups);
    allow(role, [restore, 'rds:AddTagsToResource'], [instance], asked);
  } else {
    const restore = 'rds:RestoreDBInstanceToPointInTime';
    allow(role, [restore], [source.arn, ...groups]);
    allow(role, [restore, 'rds:AddTagsToResource'], [instance], asked);
  }
  allow(role, ['rds:DescribeDBInstances'], [instance, source.arn]);
  acknowledgeWildcard(role, instance, NAMED_PER_RUN);
}

function grantCluster(
  role: Role,
  { source, method }: RestorePointSettings,
  { asked, taken }: Tags,
  { instance, cluster, clone }: Names,
): void {
  const made = method === 'clone' ? clone : cluster;
  if (method === 'snapshot') {
    const restore = 'rds:RestoreDBClusterFromSnapshot';
    allow(role, [restore], [snapshots(role, 'cluster-snapshot')], taken);
    allow(role, [restore], groupsOf(role, ['cluster-pg', 'og', 'subgrp']));
    allow(role, [restore], [made], asked);
  } else if (method === 'point-in-time') grantRestoreCluster(role, source, made, asked);
  else allow(role, ['rds:ModifyDBCluster'], [made], taken);
  // RDS checks the cluster, the new instance and its groups.
  allow(role, ['rds:CreateDBInstance'], groupsOf(role, ['pg', 'og', 'subgrp']));
  allow(role, ['rds:CreateDBInstance'], [made, instance], asked);
  allow(role, ['rds:AddTagsToResource'], method === 'clone' ? [instance] : [made, instance], asked);
  allow(role, ['rds:DescribeDBClusters'], [made, source.arn]);
  allow(role, ['rds:DescribeDBInstances'], [instance]);
  for (const each of [made, instance]) acknowledgeWildcard(role, each, NAMED_PER_RUN);
}

const NAMED_PER_RUN =
  'Names of what is restored are made per run; the tag conditions narrow them to this target.';

function snapshots(role: Role, kind: 'snapshot' | 'cluster-snapshot'): string {
  const ours = rdsArn(role, kind, `${RESTORE_POINT_PREFIX}*`);
  acknowledgeWildcard(
    role,
    ours,
    'Names of snapshots are made per run; the tag narrows them to this target.',
  );
  return ours;
}

function groupsOf(role: Role, kinds: readonly string[]): string[] {
  const groups = kinds.map((kind) => rdsArn(role, kind, '*'));
  for (const group of groups) acknowledgeWildcard(role, group, OF_THE_DATABASE);
  return groups;
}

const allow = (role: Role, actions: string[], resources: string[], conditions = {}) =>
  role.addToPolicy(new PolicyStatement({ actions, resources, conditions }));
