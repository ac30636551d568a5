/** Copies of clusters and instances at the boundary of the SDK: which requests they send, what they make of answers. */
import {
  CreateDBInstanceCommand,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  RestoreDBClusterToPointInTimeCommand,
  RestoreDBInstanceToPointInTimeCommand,
} from '@aws-sdk/client-rds';
import { describe, expect, test } from 'vitest';
import { RdsClusterCopies } from '../../lib/adapters/rds/cluster-copies.ts';
import { RdsInstanceCopies } from '../../lib/adapters/rds/instance-copies.ts';
import { fault, ScriptedRds } from '../support/scripted-rds.ts';

const ID = 'lockstep-copy-1';
const SINCE_MS = Date.parse('2026-11-21T15:00:00Z');
const request = {
  id: ID,
  target: 'orders',
  run: 'arn:aws:states:execution:1',
  sinceMs: SINCE_MS,
  expiresMs: Date.parse('2026-11-21T19:00:00Z'),
};
const Tags = [
  { Key: 'lockstep:copy-of', Value: 'orders' },
  { Key: 'lockstep:run', Value: 'arn:aws:states:execution:1' },
  { Key: 'lockstep:expires', Value: '2026-11-21T19:00:00.000Z' },
];
const NO_CLUSTER = fault('DBClusterNotFoundFault');
const NO_INSTANCE = fault('DBInstanceNotFoundFault');

describe('of a cluster', () => {
  const SOURCE = {
    DBClusterIdentifier: 'orders',
    Engine: 'aurora-postgresql',
    DBSubnetGroup: 'private',
    VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-1' }],
    DBClusterParameterGroup: 'orders-17',
    Port: 5433,
    DeletionProtection: true,
    ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 8 },
    DBClusterMembers: [{ DBInstanceIdentifier: 'writer', IsClusterWriter: true }],
  };
  const WRITER = { DBInstanceIdentifier: 'writer', DBInstanceClass: 'db.serverless' };
  const source = { DBClusters: [SOURCE] };
  const cluster = (Status: string) => ({
    DBClusters: [{ DBClusterIdentifier: ID, Status, Endpoint: 'copy.example', Port: 5433 }],
  });
  const instance = (DBInstanceStatus: string) => ({ DBInstances: [{ DBInstanceStatus }] });

  test('it is a clone that shares the storage, with what the cluster has, and without its protection', async () => {
    const rds = new ScriptedRds(
      [DescribeDBClustersCommand, [NO_CLUSTER, source]],
      [DescribeDBInstancesCommand, [{ DBInstances: [WRITER] }]],
      [RestoreDBClusterToPointInTimeCommand, [{ DBCluster: { Status: 'creating' } }]],
    );
    expect(await new RdsClusterCopies(rds, 'orders').ensure(request)).toEqual({ kind: 'creating' });
    expect(rds.inputsOf(RestoreDBClusterToPointInTimeCommand)).toEqual([
      {
        SourceDBClusterIdentifier: 'orders',
        DBClusterIdentifier: ID,
        RestoreType: 'copy-on-write',
        UseLatestRestorableTime: true,
        VpcSecurityGroupIds: ['sg-1'],
        EnableIAMDatabaseAuthentication: false,
        DeletionProtection: false,
        Tags,
        DBSubnetGroupName: 'private',
        DBClusterParameterGroupName: 'orders-17',
        Port: 5433,
        ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 8 },
      },
    ]);
  });

  test('it gets an instance of the class of the writer when it is there, and is ready with that', async () => {
    const rds = new ScriptedRds(
      [DescribeDBClustersCommand, [cluster('available'), source, cluster('available')]],
      [DescribeDBInstancesCommand, [NO_INSTANCE, { DBInstances: [WRITER] }, instance('available')]],
      [CreateDBInstanceCommand, [{ DBInstance: { DBInstanceStatus: 'creating' } }]],
    );
    const copies = new RdsClusterCopies(rds, 'orders');
    expect(await copies.ensure(request)).toEqual({ kind: 'creating' });
    expect(rds.inputsOf(CreateDBInstanceCommand)).toEqual([
      {
        DBInstanceIdentifier: `${ID}-1`,
        DBClusterIdentifier: ID,
        DBInstanceClass: 'db.serverless',
        Engine: 'aurora-postgresql',
        PubliclyAccessible: false,
        Tags,
      },
    ]);
    expect(await copies.ensure(request)).toEqual({ kind: 'ready', host: 'copy.example', port: 5433 });
  });

  test('whoever asked at the same time has begun it', async () => {
    const rds = new ScriptedRds(
      [DescribeDBClustersCommand, [NO_CLUSTER, source]],
      [DescribeDBInstancesCommand, [{ DBInstances: [WRITER] }]],
      [RestoreDBClusterToPointInTimeCommand, [fault('DBClusterAlreadyExistsFault')]],
    );
    expect(await new RdsClusterCopies(rds, 'orders').ensure(request)).toEqual({ kind: 'creating' });
  });

  test.each(['failed', 'deleting', 'inaccessible-encryption-credentials'])(
    '%s, it is an LS740',
    async (state) => {
      const rds = new ScriptedRds([DescribeDBClustersCommand, [cluster(state)]]);
      await expect(new RdsClusterCopies(rds, 'orders').ensure(request)).rejects.toMatchObject({
        code: 'LS740',
      });
    },
  );

  test('it cannot be made of a Multi-AZ DB cluster, nor without permission', async () => {
    const multiAz = { DBClusters: [{ ...SOURCE, DBClusterInstanceClass: 'db.m6gd.large' }] };
    const of = (...answers: ConstructorParameters<typeof ScriptedRds>) =>
      new RdsClusterCopies(new ScriptedRds(...answers), 'orders').ensure(request);
    await expect(of([DescribeDBClustersCommand, [NO_CLUSTER, multiAz]])).rejects.toMatchObject({
      code: 'LS740',
      what: expect.stringContaining('Multi-AZ'),
    });
    await expect(of([DescribeDBClustersCommand, [fault('AccessDenied')]])).rejects.toMatchObject({
      code: 'LS740',
      what: expect.stringContaining('AccessDenied'),
    });
  });

  test('it is removed with its instance, without a snapshot; one that is gone is removed, too', async () => {
    const rds = new ScriptedRds(
      [DescribeDBInstancesCommand, [instance('available'), NO_INSTANCE, instance('deleting')]],
      [DeleteDBInstanceCommand, [{}]],
      [DeleteDBClusterCommand, [{}, NO_CLUSTER, {}]],
    );
    const copies = new RdsClusterCopies(rds, 'orders');
    for (let times = 0; times < 3; times += 1) await copies.remove(ID);
    expect(rds.inputsOf(DeleteDBInstanceCommand)).toEqual([
      { DBInstanceIdentifier: `${ID}-1`, SkipFinalSnapshot: true },
    ]);
    expect(rds.inputsOf(DeleteDBClusterCommand)[0]).toEqual({
      DBClusterIdentifier: ID,
      SkipFinalSnapshot: true,
    });
  });

  test('those of the target are listed, on whichever page; one without a time is for nobody to remove', async () => {
    const tagged = (id: string, ...TagList: object[]) => ({ DBClusterIdentifier: id, TagList });
    const rds = new ScriptedRds([
      DescribeDBClustersCommand,
      [
        { DBClusters: [tagged('orders'), tagged('a', ...Tags)], Marker: 'next' },
        { DBClusters: [tagged('b', Tags[0]!), tagged('c', { Key: 'lockstep:copy-of', Value: 'other' })] },
      ],
    ]);
    expect(await new RdsClusterCopies(rds, 'orders').list('orders')).toEqual([
      { id: 'a', expiresMs: request.expiresMs },
      { id: 'b', expiresMs: null },
    ]);
  });
});

describe('of an instance', () => {
  const SOURCE = {
    DBInstanceIdentifier: 'orders',
    DBInstanceClass: 'db.r8g.large',
    DBSubnetGroup: { DBSubnetGroupName: 'private' },
    VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-1' }],
    DBParameterGroups: [{ DBParameterGroupName: 'orders-17' }],
    Endpoint: { Port: 5432 },
    MultiAZ: true,
    DeletionProtection: true,
  };
  const sourceAt = (ms: number) => ({ DBInstances: [{ ...SOURCE, LatestRestorableTime: new Date(ms) }] });

  test('it is not begun before the backups have what was written before the run', async () => {
    const rds = new ScriptedRds([DescribeDBInstancesCommand, [NO_INSTANCE, sourceAt(SINCE_MS - 1)]]);
    expect(await new RdsInstanceCopies(rds, 'orders').ensure(request)).toEqual({ kind: 'creating' });
  });

  test('it is restored to the latest time, with what the instance has, in one zone and without its protection', async () => {
    const source = sourceAt(SINCE_MS);
    const rds = new ScriptedRds(
      [
        DescribeDBInstancesCommand,
        [
          NO_INSTANCE,
          source,
          source,
          {
            DBInstances: [
              { DBInstanceStatus: 'available', Endpoint: { Address: 'copy.example', Port: 5432 } },
            ],
          },
        ],
      ],
      [RestoreDBInstanceToPointInTimeCommand, [{ DBInstance: { DBInstanceStatus: 'creating' } }]],
    );
    const copies = new RdsInstanceCopies(rds, 'orders');
    expect(await copies.ensure(request)).toEqual({ kind: 'creating' });
    expect(rds.inputsOf(RestoreDBInstanceToPointInTimeCommand)).toEqual([
      {
        SourceDBInstanceIdentifier: 'orders',
        TargetDBInstanceIdentifier: ID,
        UseLatestRestorableTime: true,
        DBInstanceClass: 'db.r8g.large',
        VpcSecurityGroupIds: ['sg-1'],
        EnableIAMDatabaseAuthentication: false,
        DeletionProtection: false,
        MultiAZ: false,
        PubliclyAccessible: false,
        Tags,
        DBSubnetGroupName: 'private',
        DBParameterGroupName: 'orders-17',
        Port: 5432,
      },
    ]);
    expect(await copies.ensure(request)).toEqual({ kind: 'ready', host: 'copy.example', port: 5432 });
  });

  test('it is removed without a snapshot, and without backups that stay', async () => {
    const found = { DBInstances: [{ DBInstanceStatus: 'available' }] };
    const rds = new ScriptedRds(
      [DescribeDBInstancesCommand, [found, NO_INSTANCE]],
      [DeleteDBInstanceCommand, [{}]],
    );
    const copies = new RdsInstanceCopies(rds, 'orders');
    await copies.remove(ID);
    await copies.remove(ID);
    expect(rds.inputsOf(DeleteDBInstanceCommand)).toEqual([
      { DBInstanceIdentifier: ID, SkipFinalSnapshot: true, DeleteAutomatedBackups: true },
    ]);
  });
});
