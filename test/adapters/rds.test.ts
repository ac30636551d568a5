/** The snapshots' adapters at the boundary of the SDK: which requests they send, and what they make of answers. */
import {
  CreateDBClusterSnapshotCommand,
  CreateDBSnapshotCommand,
  DeleteDBClusterSnapshotCommand,
  DeleteDBSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  type RDSClient,
} from '@aws-sdk/client-rds';
import { describe, expect, test } from 'vitest';
import { RdsClusterSnapshots } from '../../lib/adapters/rds/cluster-snapshots.ts';
import { iamPassword } from '../../lib/adapters/rds/iam-login.ts';
import { RdsInstanceSnapshots } from '../../lib/adapters/rds/instance-snapshots.ts';
import type { RestorePointStore } from '../../lib/core/restore-point/index.ts';
import { type Command, fault, ScriptedRds } from '../support/scripted-rds.ts';

interface Kind {
  readonly name: string;
  readonly open: (client: RDSClient, source: string) => RestorePointStore;
  readonly describe: new (input: never) => Command;
  readonly create: new (input: never) => Command;
  readonly delete: new (input: never) => Command;
  readonly database: new (input: never) => Command;
  /** Names of the fields and errors, as the API of this kind has them. */
  readonly snapshotId: string;
  readonly sourceId: string;
  readonly one: string;
  readonly many: string;
  readonly inState: (state: string) => object;
  readonly notFound: string;
  readonly exists: string;
  readonly invalidState: string;
}

const KINDS: Kind[] = [
  {
    name: 'instance',
    open: (client, source) => new RdsInstanceSnapshots(client, source),
    describe: DescribeDBSnapshotsCommand,
    create: CreateDBSnapshotCommand,
    delete: DeleteDBSnapshotCommand,
    database: DescribeDBInstancesCommand,
    snapshotId: 'DBSnapshotIdentifier',
    sourceId: 'DBInstanceIdentifier',
    one: 'DBSnapshot',
    many: 'DBSnapshots',
    inState: (DBInstanceStatus) => ({ DBInstances: [{ DBInstanceStatus }] }),
    notFound: 'DBSnapshotNotFoundFault',
    exists: 'DBSnapshotAlreadyExistsFault',
    invalidState: 'InvalidDBInstanceStateFault',
  },
  {
    name: 'cluster',
    open: (client, source) => new RdsClusterSnapshots(client, source),
    describe: DescribeDBClusterSnapshotsCommand,
    create: CreateDBClusterSnapshotCommand,
    delete: DeleteDBClusterSnapshotCommand,
    database: DescribeDBClustersCommand,
    snapshotId: 'DBClusterSnapshotIdentifier',
    sourceId: 'DBClusterIdentifier',
    one: 'DBClusterSnapshot',
    many: 'DBClusterSnapshots',
    inState: (Status) => ({ DBClusters: [{ Status }] }),
    notFound: 'DBClusterSnapshotNotFoundFault',
    exists: 'DBClusterSnapshotAlreadyExistsFault',
    invalidState: 'InvalidDBClusterStateFault',
  },
];

const request = {
  id: 'lockstep-orders-1',
  target: 'orders',
  run: 'arn:aws:states:execution:1',
  before: '0042_add_email',
  bundleDigest: 'abc',
};
const tags = [
  { Key: 'lockstep:target', Value: 'orders' },
  { Key: 'lockstep:run', Value: 'arn:aws:states:execution:1' },
  { Key: 'lockstep:before', Value: '0042_add_email' },
  { Key: 'lockstep:bundle', Value: 'abc' },
  { Key: 'lockstep:created-by', Value: 'lockstep' },
];

describe.each(KINDS)('restore points of an RDS $name', (kind) => {
  const snapshot = (Status: string) => ({ [kind.snapshotId]: request.id, Status });
  const found = (Status: string) => ({ [kind.many]: [snapshot(Status)] });
  const created = { [kind.one]: snapshot('creating') };

  test('the first call creates a snapshot with its tags, in one request', async () => {
    const client = new ScriptedRds([kind.describe, [fault(kind.notFound)]], [kind.create, [created]]);
    expect(await kind.open(client, 'orders-db').ensure(request)).toEqual({ kind: 'creating' });
    expect(client.inputsOf(kind.describe)).toEqual([{ [kind.snapshotId]: request.id }]);
    expect(client.inputsOf(kind.create)).toEqual([
      { [kind.sourceId]: 'orders-db', [kind.snapshotId]: request.id, Tags: tags },
    ]);
    expect(client.sent).toHaveLength(2);
  });

  test('later calls find it and create none', async () => {
    const client = new ScriptedRds([
      kind.describe,
      [found('creating'), found('pending'), found('available')],
    ]);
    const store = kind.open(client, 'orders-db');
    expect(await store.ensure(request)).toEqual({ kind: 'creating' });
    expect(await store.ensure(request)).toEqual({ kind: 'creating' });
    expect(await store.ensure(request)).toEqual({ kind: 'available' });
  });

  test("an invocation that loses the race to create it takes the other one's", async () => {
    const client = new ScriptedRds(
      [kind.describe, [fault(kind.notFound), found('available')]],
      [kind.create, [fault(kind.exists)]],
    );
    expect(await kind.open(client, 'orders-db').ensure(request)).toEqual({ kind: 'available' });
  });

  test('a snapshot that failed is an error that names it', async () => {
    const client = new ScriptedRds([kind.describe, [found('failed')]]);
    await expect(kind.open(client, 'orders-db').ensure(request)).rejects.toMatchObject({
      name: 'RestorePointError',
      code: 'LS701',
      what: 'The restore point lockstep-orders-1 is failed.',
    });
  });

  test('a database that makes its own backup is busy; one that is stopped is an error with its state', async () => {
    const refused = (state: string) =>
      new ScriptedRds(
        [kind.describe, [fault(kind.notFound)]],
        [kind.create, [fault(kind.invalidState)]],
        [kind.database, [kind.inState(state)]],
        // Of a cluster, its members are looked at, too.
        [DescribeDBInstancesCommand, [{ DBInstances: [] }]],
      );
    const busy = refused('backing-up');
    expect(await kind.open(busy, 'orders-db').ensure(request)).toEqual({
      kind: 'database-busy',
      databaseState: 'backing-up',
    });
    expect(busy.inputsOf(kind.database)).toEqual([{ [kind.sourceId]: 'orders-db' }]);
    // Available again between the two calls: nothing is wrong, the next call creates it.
    expect(await kind.open(refused('available'), 'orders-db').ensure(request)).toMatchObject({
      kind: 'database-busy',
    });
    await expect(kind.open(refused('stopped'), 'orders-db').ensure(request)).rejects.toMatchObject({
      code: 'LS701',
      what: `The ${kind.name} orders-db is stopped, and a restore point can be taken only while it is available.`,
      state: 'Nothing was changed in the database.',
    });
  });

  test('a used-up quota is an error that says what to do about it', async () => {
    const client = new ScriptedRds(
      [kind.describe, [fault(kind.notFound)]],
      [kind.create, [fault('SnapshotQuotaExceededFault')]],
    );
    await expect(kind.open(client, 'orders-db').ensure(request)).rejects.toMatchObject({
      code: 'LS701',
      remedy: expect.stringContaining('quota'),
    });
  });

  test('any other refusal is an error with the name that AWS gave it', async () => {
    const client = new ScriptedRds([kind.describe, [fault('AccessDenied')]]);
    await expect(kind.open(client, 'orders-db').ensure(request)).rejects.toMatchObject({
      code: 'LS701',
      what: expect.stringContaining('AccessDenied'),
    });
  });

  test("the list has all pages, and only what bears the target's tag", async () => {
    const at = new Date('2026-11-01T00:00:00Z');
    const entry = (id: string, Status: string, target: string | undefined) => ({
      [kind.snapshotId]: id,
      Status,
      SnapshotCreateTime: at,
      TagList: target
        ? [
            { Key: 'other', Value: 'orders' },
            { Key: 'lockstep:target', Value: target },
          ]
        : undefined,
    });
    const client = new ScriptedRds([
      kind.describe,
      [
        {
          [kind.many]: [entry('mine', 'available', 'orders'), entry('by-hand', 'available', undefined)],
          Marker: 'next',
        },
        {
          [kind.many]: [
            entry('other-target', 'available', 'billing'),
            entry('unfinished', 'creating', 'orders'),
          ],
        },
      ],
    ]);
    expect(await kind.open(client, 'orders-db').list('orders')).toEqual([
      { id: 'mine', complete: true, createdAtMs: at.getTime() },
      { id: 'unfinished', complete: false, createdAtMs: at.getTime() },
    ]);
    expect(client.inputsOf(kind.describe)).toEqual([
      { [kind.sourceId]: 'orders-db', SnapshotType: 'manual' },
      { [kind.sourceId]: 'orders-db', SnapshotType: 'manual', Marker: 'next' },
    ]);
  });

  test('deleting one that is gone already succeeds; another refusal is an error', async () => {
    const client = new ScriptedRds([
      kind.delete,
      [{}, fault(kind.notFound), fault('InvalidDBSnapshotStateFault')],
    ]);
    const store = kind.open(client, 'orders-db');
    await store.delete('old');
    await store.delete('old');
    await expect(store.delete('old')).rejects.toMatchObject({ code: 'LS701' });
    expect(client.inputsOf(kind.delete)[0]).toEqual({ [kind.snapshotId]: 'old' });
  });
});

describe('a database that is described for whoever restores it', () => {
  const common = {
    BackupRetentionPeriod: 7,
    IAMDatabaseAuthenticationEnabled: true,
    VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-1' }, { VpcSecurityGroupId: 'sg-2' }],
  };
  const same = {
    iamLogin: true,
    deletionProtection: false,
    securityGroups: ['sg-1', 'sg-2'],
    subnetGroup: 'private',
  };

  test('as an instance', async () => {
    const found = {
      ...common,
      DBInstanceStatus: 'available',
      DBInstanceClass: 'db.r8g.large',
      DBParameterGroups: [{ DBParameterGroupName: 'orders-pg18' }],
      DBSubnetGroup: { DBSubnetGroupName: 'private' },
      Endpoint: { Port: 5433 },
      MultiAZ: true,
      StorageType: 'gp3',
    };
    const client = new ScriptedRds([DescribeDBInstancesCommand, [{ DBInstances: [found] }]]);
    expect(await new RdsInstanceSnapshots(client, 'orders').describeSource()).toEqual({
      state: 'available',
      hasContinuousBackups: true,
      settings: {
        ...same,
        type: 'instance',
        instanceClass: 'db.r8g.large',
        parameterGroup: 'orders-pg18',
        port: 5433,
        multiAz: true,
        publiclyAccessible: false,
        storageType: 'gp3',
      },
    });
  });

  test('as a cluster of Aurora, with its members, the writer first', async () => {
    const found = {
      ...common,
      DBClusterIdentifier: 'orders',
      DBClusterMembers: [{ DBInstanceIdentifier: 'a' }, { DBInstanceIdentifier: 'b', IsClusterWriter: true }],
      DBClusterParameterGroup: 'orders-pg17',
      DBSubnetGroup: 'private',
      Engine: 'aurora-postgresql',
      EngineVersion: '17.5',
      Port: 5432,
      ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 16 },
      Status: 'available',
    };
    const members = [
      { DBInstanceIdentifier: 'a', DBInstanceClass: 'db.r8g.large' },
      {
        DBInstanceIdentifier: 'b',
        DBInstanceClass: 'db.serverless',
        DBParameterGroups: [{ DBParameterGroupName: 'members' }],
      },
    ];
    const client = new ScriptedRds(
      [DescribeDBClustersCommand, [{ DBClusters: [found] }]],
      [DescribeDBInstancesCommand, [{ DBInstances: members }]],
    );
    const { settings } = await new RdsClusterSnapshots(client, 'orders').describeSource();
    expect(settings).toEqual({
      ...same,
      type: 'cluster',
      engine: 'aurora-postgresql',
      engineVersion: '17.5',
      parameterGroup: 'orders-pg17',
      port: 5432,
      capacity: { min: 0.5, max: 16 },
      instanceClass: null,
      members: [
        { instanceClass: 'db.serverless', parameterGroup: 'members', publiclyAccessible: false },
        { instanceClass: 'db.r8g.large', parameterGroup: null, publiclyAccessible: false },
      ],
    });
    expect(client.inputsOf(DescribeDBInstancesCommand)).toMatchObject([
      { Filters: [{ Name: 'db-cluster-id', Values: ['orders'] }] },
    ]);
  });

  test('or says why not: LS701', async () => {
    const client = new ScriptedRds([DescribeDBInstancesCommand, [fault('AccessDenied')]]);
    await expect(new RdsInstanceSnapshots(client, 'orders').describeSource()).rejects.toMatchObject({
      code: 'LS701',
      what: expect.stringContaining('instance orders'),
    });
  });
});

describe('the IAM login', () => {
  const keys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION'];
  const before = new Map(keys.map((key) => [key, process.env[key]]));
  const restore = () => {
    for (const [key, value] of before) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
  };

  test('gives a fresh token for host, port and user, which is signed here', async () => {
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-west-1',
    });
    try {
      const token = await iamPassword({ host: 'db.example.com', port: 5433, user: 'migrator' })();
      const url = new URL(`https://${token}`);
      expect(url.host).toBe('db.example.com:5433');
      expect(url.searchParams.get('Action')).toBe('connect');
      expect(url.searchParams.get('DBUser')).toBe('migrator');
      expect(url.searchParams.get('X-Amz-Expires')).toBe('900');
      expect(url.searchParams.get('X-Amz-Credential')).toContain('/eu-west-1/rds-db/');
      expect(token).not.toContain('secret');
    } finally {
      restore();
    }
  });
});
