/** What may be done to bring a restore point back, to the letter, and that nothing of it is there unless it is asked for. */
import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AccountRootPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, test } from 'vitest';
import { rdsArn } from '../../lib/constructs/database.ts';
import { grantRestore } from '../../lib/constructs/restore-grant.ts';
import type { RestorePointMethod } from '../../lib/core/restore-point/index.ts';
import type { AfterRollOutOptions } from '../../lib/index.ts';
import { coordinatorStack, inIsolatedSubnets, newStack } from './stacks.ts';
import { policiesOf, rightsOf } from './statements.ts';

const HERE = '<Region>:<AccountId>';
const FOLLOW = { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } };

describe('the rights to bring a restore point back', () => {
  const arn = (name: string) => `arn:<Partition>:rds:${HERE}:${name}`;
  const of = (...names: string[]) => names.map(arn).toSorted().join(' and ');
  const ASKED = 'if StringEquals aws:RequestTag/lockstep:restored-of orders-production';
  const TAKEN = 'if StringEquals aws:ResourceTag/lockstep:target orders-production';
  const INSTANCE = 'db:lockstep-restored-*';
  /** Of a role in a stack of its own: the coordinator's is the same. */
  function rightsFor(method: RestorePointMethod, database: 'cluster' | 'db'): string[] {
    const stack = newStack();
    const role = new Role(stack, 'Restores', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const kind = database === 'cluster' ? 'rds-cluster' : 'rds-instance';
    const source = { kind, identifier: 'orders', arn: rdsArn(stack, database, 'orders') } as const;
    const settings = { source, method, keep: 1, keepFor: undefined, when: 'always' } as const;
    grantRestore(role, settings, 'orders-production');
    return rightsOf(Template.fromStack(stack), 'Restores');
  }

  test.each([
    [
      'an instance from its snapshot',
      ['snapshot', 'db'],
      [
        `Allow rds:RestoreDBInstanceFromDBSnapshot on ${of('snapshot:lockstep-*')} ${TAKEN}`,
        `Allow rds:RestoreDBInstanceFromDBSnapshot on ${of('og:*', 'pg:*', 'subgrp:*')}`,
        `Allow rds:AddTagsToResource rds:RestoreDBInstanceFromDBSnapshot on ${of(INSTANCE)} ${ASKED}`,
        `Allow rds:DescribeDBInstances on ${of(INSTANCE, 'db:orders')}`,
      ],
    ],
    [
      'an instance at a time',
      ['point-in-time', 'db'],
      [
        `Allow rds:RestoreDBInstanceToPointInTime on ${of('og:*', 'pg:*', 'subgrp:*', 'db:orders')}`,
        `Allow rds:AddTagsToResource rds:RestoreDBInstanceToPointInTime on ${of(INSTANCE)} ${ASKED}`,
        `Allow rds:DescribeDBInstances on ${of(INSTANCE, 'db:orders')}`,
      ],
    ],
    [
      'a cluster from its snapshot',
      ['snapshot', 'cluster'],
      [
        `Allow rds:RestoreDBClusterFromSnapshot on ${of('cluster-snapshot:lockstep-*')} ${TAKEN}`,
        `Allow rds:RestoreDBClusterFromSnapshot on ${of('cluster-pg:*', 'og:*', 'subgrp:*')}`,
        `Allow rds:RestoreDBClusterFromSnapshot on ${of('cluster:lockstep-restored-*')} ${ASKED}`,
        ...membersOf('cluster:lockstep-restored-*'),
        `Allow rds:AddTagsToResource on ${of('cluster:lockstep-restored-*', INSTANCE)} ${ASKED}`,
      ],
    ],
    [
      'a cluster at a time',
      ['point-in-time', 'cluster'],
      [
        `Allow rds:RestoreDBClusterToPointInTime on ${of('cluster-pg:*', 'og:*', 'subgrp:*', 'cluster:orders')}`,
        `Allow rds:RestoreDBClusterToPointInTime on ${of('cluster:lockstep-restored-*')} ${ASKED}`,
        ...membersOf('cluster:lockstep-restored-*'),
        `Allow rds:AddTagsToResource on ${of('cluster:lockstep-restored-*', INSTANCE)} ${ASKED}`,
      ],
    ],
    [
      'a clone',
      ['clone', 'cluster'],
      [
        `Allow rds:ModifyDBCluster on ${of('cluster:lockstep-*')} ${TAKEN}`,
        ...membersOf('cluster:lockstep-*'),
        `Allow rds:AddTagsToResource on ${of(INSTANCE)} ${ASKED}`,
      ],
    ],
  ] as const)(
    '%s, and nothing else: nothing can be deleted or renamed',
    (_, [method, database], expected) => {
      expect(rightsFor(method, database)).toEqual([...expected].toSorted());
    },
  );

  function membersOf(cluster: string): string[] {
    return [
      `Allow rds:CreateDBInstance on ${of('og:*', 'pg:*', 'subgrp:*')}`,
      `Allow rds:CreateDBInstance on ${of(cluster, INSTANCE)} ${ASKED}`,
      `Allow rds:DescribeDBClusters on ${of(cluster, 'cluster:orders')}`,
      `Allow rds:DescribeDBInstances on ${of(INSTANCE)}`,
    ];
  }

  test.each<[AfterRollOutOptions['policy'], boolean, 'none' | undefined, RegExp]>([
    ['restore', false, undefined, /policy 'restore' and afterRollOut.restore, .* need each other/],
    ['code-only', true, undefined, /policy 'restore' and afterRollOut.restore, .* need each other/],
    ['restore', true, 'none', /policy 'restore' needs restore points/],
  ])(
    'the policy %s, with a topic (%s) and restore points (%s), is refused',
    (policy, asks, restorePoint, why) => {
      const refused = () =>
        coordinatorStack((stack) => ({
          ...inIsolatedSubnets(stack),
          ...(restorePoint ? { restorePoint } : {}),
          afterRollOut: {
            follow: FOLLOW,
            ...(policy ? { policy } : {}),
            ...(asks ? { restore: { topic: new Topic(stack, 'Approvals') as ITopic } } : {}),
          },
        }));
      expect(refused).toThrow(why);
    },
  );

  test('are those of one function; the machine asks, and who may answer may answer that machine', () => {
    const { coordinator, stack } = coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      afterRollOut: {
        follow: FOLLOW,
        policy: 'restore',
        restore: { topic: new Topic(stack, 'Approvals') as ITopic, timeout: Duration.hours(1) },
      },
    }));
    const who = new Role(stack, 'Who', { assumedBy: new AccountRootPrincipal() });
    coordinator.grantAnswerApproval(who);
    const template = Template.fromStack(stack);
    const restorers = policiesOf(template).filter(({ statements }) =>
      statements.some(({ actions }) => actions.some((action) => /rds:Restore/.test(action))),
    );
    expect(restorers.flatMap(({ roles }) => roles)).toEqual(['AfterRollOutrestoredatabaseRole']);
    expect(rightsOf(template, 'AfterRollOutStateMachineRole')).toContain('Allow sns:Publish on <Approvals>');
    expect(rightsOf(template, 'Who')).toEqual([
      'Allow states:SendTaskFailure states:SendTaskSuccess on <AfterRollOutStateMachine>',
    ]);
  });
});
