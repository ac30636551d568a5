/**
 * What the functions may do with RDS to make copies and to remove them: nothing with the database but to describe it and
 * to restore from it, and nothing with anything else whose name does not begin with `lockstep-copy-` and which is not
 * tagged as a copy of this target.
 */
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { COPY_PREFIX, CopyTag } from '../core/rehearsal/copy-store.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { rdsArn, type SnapshotSource } from './database.ts';
import { grantRestoreCluster, OF_THE_DATABASE } from './restore-cluster-grant.ts';

export function grantMakeCopy(role: Role, source: SnapshotSource, target: string): void {
  const asked = { StringEquals: { [`aws:RequestTag/${CopyTag.target}`]: target } };
  const ours = copies(role, source);
  const groups = (...kinds: string[]) => kinds.map((kind) => rdsArn(role, kind, '*'));
  if (source.kind === 'rds-cluster') {
    const [cluster] = ours;
    const ofInstance = groups('pg', 'og', 'subgrp');
    grantRestoreCluster(role, source, cluster, asked);
    allow(role, ['rds:CreateDBInstance'], ofInstance);
    allow(role, ['rds:CreateDBInstance'], ours, asked);
    acknowledge(role, ofInstance, OF_THE_DATABASE);
  } else {
    const named = groups('pg', 'og', 'subgrp');
    allow(role, ['rds:RestoreDBInstanceToPointInTime'], [source.arn, ...named]);
    allow(role, ['rds:RestoreDBInstanceToPointInTime'], ours, asked);
    acknowledge(role, named, OF_THE_DATABASE);
  }
  allow(role, ['rds:AddTagsToResource'], ours, asked);
  acknowledge(role, ours, NAMED_PER_RUN);
  grantDescribe(role, source);
}

export function grantRemoveCopies(role: Role, source: SnapshotSource, target: string): void {
  const tagged = { StringEquals: { [`aws:ResourceTag/${CopyTag.target}`]: target } };
  const ours = copies(role, source);
  if (source.kind === 'rds-cluster') allow(role, ['rds:DeleteDBCluster'], [ours[0]], tagged);
  allow(role, ['rds:DeleteDBInstance'], [ours.at(-1) ?? ours[0]], tagged);
  acknowledge(role, ours, NAMED_PER_RUN);
  grantDescribe(role, source);
}

const NAMED_PER_RUN = 'Names of copies are made per run; the tag conditions narrow them to this target.';
const LISTING = 'RDS checks a listing against all of a kind, whatever the filter; it is reading only.';

function grantDescribe(role: Role, { kind }: SnapshotSource): void {
  const kinds = kind === 'rds-cluster' ? ['cluster', 'db'] : ['db'];
  for (const each of kinds) {
    const all = rdsArn(role, each, '*');
    allow(role, [each === 'cluster' ? 'rds:DescribeDBClusters' : 'rds:DescribeDBInstances'], [all]);
    acknowledgeWildcard(role, all, LISTING);
  }
}

/** Of a cluster also its instance, which comes last. */
const copies = (role: Role, { kind }: SnapshotSource): [string, ...string[]] => {
  const instance = rdsArn(role, 'db', `${COPY_PREFIX}*`);
  return kind === 'rds-cluster' ? [rdsArn(role, 'cluster', `${COPY_PREFIX}*`), instance] : [instance];
};

function acknowledge(role: Role, resources: readonly string[], reason: string): void {
  for (const resource of resources) acknowledgeWildcard(role, resource, reason);
}

const allow = (role: Role, actions: string[], resources: string[], conditions = {}) =>
  role.addToPolicy(new PolicyStatement({ actions, resources, conditions }));
