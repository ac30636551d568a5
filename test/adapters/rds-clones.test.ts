/** Clones as restore points at the boundary of the SDK: which requests they send, and what they make of answers. */
import {
  DeleteDBClusterCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  RestoreDBClusterToPointInTimeCommand,
} from '@aws-sdk/client-rds';
import { expect, test } from 'vitest';
import { RdsClusterClones } from '../../lib/adapters/rds/cluster-clones.ts';
import { fault, ScriptedRds } from '../support/scripted-rds.ts';

const ID = 'lockstep-orders-1';
const request = {
  id: ID,
  target: 'orders',
  run: 'arn:aws:states:execution:1',
  before: '0042_add_email',
  bundleDigest: 'abc',
};
const OURS = { Key: 'lockstep:target', Value: 'orders' };
const SOURCE = {
  DBClusterIdentifier: 'orders',
  Engine: 'aurora-postgresql',
  DBSubnetGroup: 'private',
  VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-1' }],
  DBClusterParameterGroup: 'orders-17',
  Port: 5433,
  DeletionProtection: true,
  CloneGroupId: 'group',
};
const GONE = fault('DBClusterNotFoundFault');
const clusters = (...DBClusters: object[]) => ({ DBClusters });
const members = { DBInstances: [] };
const clone = (id: string, more: object = {}) => ({
  DBClusterIdentifier: id,
  Status: 'available',
  ClusterCreateTime: new Date(1000),
  TagList: [OURS],
  ...more,
});

/** What is asked before a clone is made, with these in the group of the cluster. */
const beforeMaking = (source: object, ...group: object[]): (object | Error)[] => [
  GONE,
  clusters(source),
  clusters(source),
  ...(group.length > 0 ? [clusters(...group)] : []),
];

test('one is made with its tags and the settings of the cluster, and shares its storage', async () => {
  const rds = new ScriptedRds(
    [DescribeDBClustersCommand, beforeMaking(SOURCE, SOURCE, clone('lockstep-orders-0'))],
    [DescribeDBInstancesCommand, [members]],
    [RestoreDBClusterToPointInTimeCommand, [{ DBCluster: { DBClusterIdentifier: ID, Status: 'creating' } }]],
  );
  expect(await new RdsClusterClones(rds, 'orders').ensure(request)).toEqual({ kind: 'creating' });
  expect(rds.inputsOf(RestoreDBClusterToPointInTimeCommand)).toEqual([
    {
      SourceDBClusterIdentifier: 'orders',
      DBClusterIdentifier: ID,
      RestoreType: 'copy-on-write',
      UseLatestRestorableTime: true,
      VpcSecurityGroupIds: ['sg-1'],
      EnableIAMDatabaseAuthentication: false,
      DeletionProtection: false,
      Tags: [
        OURS,
        { Key: 'lockstep:run', Value: 'arn:aws:states:execution:1' },
        { Key: 'lockstep:before', Value: '0042_add_email' },
        { Key: 'lockstep:bundle', Value: 'abc' },
        { Key: 'lockstep:created-by', Value: 'lockstep' },
      ],
      DBSubnetGroupName: 'private',
      DBClusterParameterGroupName: 'orders-17',
      Port: 5433,
    },
  ]);
  expect(rds.inputsOf(DescribeDBClustersCommand).at(-1)).toMatchObject({
    Filters: [{ Name: 'clone-group-id', Values: ['group'] }],
  });
});

test('later calls find it, whatever it does by itself meanwhile; one that failed is an error', async () => {
  const states = ['creating', 'backing-up', 'available', 'cloning-failed'];
  const answers = states.map((Status) => clusters(clone(ID, { Status })));
  const store = new RdsClusterClones(new ScriptedRds([DescribeDBClustersCommand, answers]), 'orders');
  expect(await store.ensure(request)).toEqual({ kind: 'creating' });
  expect(await store.ensure(request)).toEqual({ kind: 'creating' });
  expect(await store.ensure(request)).toEqual({ kind: 'available' });
  await expect(store.ensure(request)).rejects.toMatchObject({
    code: 'LS701',
    what: `The restore point ${ID} is cloning-failed.`,
  });
});

test('whoever asked at the same time has begun it', async () => {
  const rds = new ScriptedRds(
    [DescribeDBClustersCommand, [...beforeMaking(SOURCE, SOURCE), clusters(clone(ID))]],
    [DescribeDBInstancesCommand, [members]],
    [RestoreDBClusterToPointInTimeCommand, [fault('DBClusterAlreadyExistsFault')]],
  );
  expect(await new RdsClusterClones(rds, 'orders').ensure(request)).toEqual({ kind: 'available' });
});

test('the sixteenth would be a full copy without saying so: it is refused before anything is made', async () => {
  const fifteen = Array.from({ length: 15 }, (_, at) => clone(`test-${at}`));
  const rds = new ScriptedRds(
    [DescribeDBClustersCommand, beforeMaking(SOURCE, SOURCE, ...fifteen)],
    [DescribeDBInstancesCommand, [members]],
  );
  await expect(new RdsClusterClones(rds, 'orders').ensure(request)).rejects.toMatchObject({
    code: 'LS701',
    what: expect.stringContaining('15 clones'),
    state: 'Nothing was changed in the database.',
  });
});

test('a quota of clusters that is used up, and a cluster without clones, are errors that say what to do', async () => {
  const full = new ScriptedRds(
    [DescribeDBClustersCommand, beforeMaking({ ...SOURCE, CloneGroupId: undefined })],
    [DescribeDBInstancesCommand, [members]],
    [RestoreDBClusterToPointInTimeCommand, [fault('DBClusterQuotaExceededFault')]],
  );
  await expect(new RdsClusterClones(full, 'orders').ensure(request)).rejects.toMatchObject({
    code: 'LS701',
    remedy: expect.stringContaining('quota'),
  });
  const multiAz = new ScriptedRds([
    DescribeDBClustersCommand,
    beforeMaking({ ...SOURCE, DBClusterInstanceClass: 'db.m6gd.large' }),
  ]);
  await expect(new RdsClusterClones(multiAz, 'orders').ensure(request)).rejects.toMatchObject({
    code: 'LS701',
    what: expect.stringContaining('Multi-AZ'),
    remedy: expect.stringContaining('snapshots'),
  });
});

test('those of the target are listed; what somebody uses or protects, or has made, is nothing to delete', async () => {
  const others = [
    clone('lockstep-a'),
    clone('lockstep-b', { DBClusterMembers: [{ DBInstanceIdentifier: 'b-1' }] }),
    clone('lockstep-c', { DeletionProtection: true }),
    clone('lockstep-d', { TagList: [{ Key: 'lockstep:target', Value: 'billing' }] }),
    clone('orders-before'),
  ];
  const rds = new ScriptedRds([DescribeDBClustersCommand, [clusters(SOURCE), clusters(SOURCE, ...others)]]);
  expect(await new RdsClusterClones(rds, 'orders').list('orders')).toEqual([
    { id: 'lockstep-a', complete: true, createdAtMs: 1000 },
    { id: 'lockstep-b', complete: false, createdAtMs: 1000 },
    { id: 'lockstep-c', complete: false, createdAtMs: 1000 },
  ]);
  // Before its first clone a cluster is in no group.
  const alone = new ScriptedRds([
    DescribeDBClustersCommand,
    [clusters({ ...SOURCE, CloneGroupId: undefined })],
  ]);
  expect(await new RdsClusterClones(alone, 'orders').list('orders')).toEqual([]);
});

test('one is deleted without a snapshot; that it is gone already is no error, that it has an instance is one', async () => {
  const rds = new ScriptedRds([DeleteDBClusterCommand, [{}, GONE, fault('InvalidDBClusterStateFault')]]);
  const store = new RdsClusterClones(rds, 'orders');
  await store.delete(ID);
  await store.delete(ID);
  await expect(store.delete(ID)).rejects.toMatchObject({ code: 'LS701' });
  expect(rds.inputsOf(DeleteDBClusterCommand)[0]).toEqual({
    DBClusterIdentifier: ID,
    SkipFinalSnapshot: true,
  });
});
