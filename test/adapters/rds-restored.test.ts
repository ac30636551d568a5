/** What is restored by the program is what `lockstep restore plan` prints: each request is held against its command. */
import * as rds from '@aws-sdk/client-rds';
import { describe, expect, test } from 'vitest';
import { RdsRestoredCluster } from '../../lib/adapters/rds/restored-cluster.ts';
import { RdsRestoredInstance } from '../../lib/adapters/rds/restored-instance.ts';
import {
  type RestorationRequest,
  type RestoreRecord,
  restoreSteps,
} from '../../lib/core/restore-point/index.ts';
import { fault, ScriptedRds } from '../support/scripted-rds.ts';

const common = {
  subnetGroup: 'private',
  securityGroups: ['sg-1', 'sg-2'],
  parameterGroup: 'orders-pg18',
  port: 5433,
  iamLogin: true,
  deletionProtection: true,
};
const instance: RestoreRecord = {
  method: 'snapshot',
  source: 'orders',
  at: '2026-11-21T15:00:00Z',
  settings: {
    ...common,
    type: 'instance',
    instanceClass: 'db.r8g.large',
    multiAz: true,
    publiclyAccessible: false,
    storageType: 'gp3',
  },
};
const cluster: RestoreRecord = {
  ...instance,
  settings: {
    ...common,
    type: 'cluster',
    engine: 'aurora-postgresql',
    engineVersion: '17.7',
    capacity: { min: 0.5, max: 16 },
    instanceClass: null,
    members: [
      { instanceClass: 'db.serverless', parameterGroup: 'members', publiclyAccessible: false },
      { instanceClass: 'db.r8g.large', parameterGroup: null, publiclyAccessible: true },
    ],
  },
};
const AT = '2026-11-21T14:59:59Z';
const inTime = (record: RestoreRecord): RestoreRecord => ({ ...record, method: 'point-in-time' });
const ID = 'lockstep-restored-1';
const requestFor = (record: RestoreRecord): RestorationRequest => ({
  id: ID,
  target: 'orders',
  run: 'arn:aws:states:execution:1',
  restorePoint: record.method === 'point-in-time' ? AT : 'lockstep-orders-1',
  record,
});
const Tags = [
  { Key: 'lockstep:restored-of', Value: 'orders' },
  { Key: 'lockstep:run', Value: 'arn:aws:states:execution:1' },
];

/** Those of the plan that make something, with the name that the program gives. */
const commandsOf = (record: RestoreRecord): string[][] =>
  restoreSteps(requestFor(record).restorePoint, record)
    .map(({ command }) => command)
    .filter(([, , action = '']) => /^(restore|create)-/.test(action))
    .concat(
      record.method === 'clone' ? [restoreSteps('lockstep-orders-1', record)[0]!.command as string[]] : [],
    )
    .map((command) => command.map((word) => word.replace('orders-restored', ID)));

const optionOf = (member: string): string =>
  member
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();

/** As the command line would be given it, without the tags. */
function wordsOf(command: { readonly input: object }): string[] {
  const action = optionOf(command.constructor.name.replace(/Command$/, ''));
  const options = Object.entries(command.input)
    .filter(([name]) => name !== 'Tags')
    .flatMap(([name, value]) => {
      const option = optionOf(name);
      if (typeof value === 'boolean') return [value ? `--${option}` : `--no-${option}`];
      if (value instanceof Date) return [`--${option}`, value.toISOString().replace('.000Z', 'Z')];
      if (Array.isArray(value)) return [`--${option}`, ...value];
      if (typeof value === 'object')
        return [
          `--${option}`,
          Object.entries(value)
            .map((pair) => pair.join('='))
            .join(','),
        ];
      return [`--${option}`, String(value)];
    });
  return ['aws', 'rds', action, ...options];
}
const sorted = (commands: readonly (readonly string[])[]) =>
  commands.map((words) => words.toSorted().join(' ')).toSorted();
const making = (client: ScriptedRds) =>
  client.sent
    .map(({ command }) => command)
    .filter((command) => !command.constructor.name.startsWith('Describe'));

const NO_INSTANCE = fault('DBInstanceNotFoundFault');
const NO_CLUSTER = fault('DBClusterNotFoundFault');
const instances = (DBInstanceStatus: string) => ({
  DBInstances: [{ DBInstanceStatus, Endpoint: { Address: 'new.example', Port: 5433 } }],
});
const reaching = (LatestRestorableTime: string) => new Date(LatestRestorableTime);
const clusters = (Status: string, more: object = {}) => ({
  DBClusters: [{ DBClusterIdentifier: ID, Status, Endpoint: 'new.example', Port: 5433, ...more }],
});

describe('an instance', () => {
  test('is made of its snapshot as the plan has it, and its endpoint is told when it is available', async () => {
    const client = new ScriptedRds(
      [rds.DescribeDBInstancesCommand, [NO_INSTANCE, instances('creating'), instances('available')]],
      [rds.RestoreDBInstanceFromDBSnapshotCommand, [{ DBInstance: { DBInstanceStatus: 'creating' } }]],
    );
    const restored = new RdsRestoredInstance(client);
    expect(await restored.ensure(requestFor(instance))).toEqual({ kind: 'creating' });
    expect(await restored.ensure(requestFor(instance))).toEqual({ kind: 'creating' });
    expect(await restored.ensure(requestFor(instance))).toEqual({
      kind: 'available',
      identifier: ID,
      host: 'new.example',
      port: 5433,
    });
    expect(sorted(making(client).map(wordsOf))).toEqual(sorted(commandsOf(instance)));
    expect(client.inputsOf(rds.RestoreDBInstanceFromDBSnapshotCommand)).toMatchObject([{ Tags }]);
  });

  test('as it was at a time is begun when the backups have reached that', async () => {
    const source = (at: string) => ({ DBInstances: [{ LatestRestorableTime: reaching(at) }] });
    const client = new ScriptedRds(
      [
        rds.DescribeDBInstancesCommand,
        [NO_INSTANCE, source('2026-11-21T14:59:58Z'), NO_INSTANCE, source(AT)],
      ],
      [rds.RestoreDBInstanceToPointInTimeCommand, [{ DBInstance: { DBInstanceStatus: 'creating' } }]],
    );
    const restored = new RdsRestoredInstance(client);
    expect(await restored.ensure(requestFor(inTime(instance)))).toEqual({ kind: 'creating' });
    expect(making(client)).toEqual([]);
    expect(await restored.ensure(requestFor(inTime(instance)))).toEqual({ kind: 'creating' });
    expect(sorted(making(client).map(wordsOf))).toEqual(sorted(commandsOf(inTime(instance))));
  });

  test('that another invocation has begun is waited for; one that fails, or is not allowed, is an LS751', async () => {
    const other = new ScriptedRds(
      [rds.DescribeDBInstancesCommand, [NO_INSTANCE]],
      [rds.RestoreDBInstanceFromDBSnapshotCommand, [fault('DBInstanceAlreadyExistsFault')]],
    );
    expect(await new RdsRestoredInstance(other).ensure(requestFor(instance))).toEqual({ kind: 'creating' });
    for (const answer of [instances('restore-error'), fault('AccessDenied')]) {
      const failing = new ScriptedRds([rds.DescribeDBInstancesCommand, [answer]]);
      await expect(new RdsRestoredInstance(failing).ensure(requestFor(instance))).rejects.toMatchObject({
        code: 'LS751',
        state: 'The old database is as it was.',
      });
    }
  });
});

describe('a cluster', () => {
  /** Until it is available with its members, as RDS would answer. */
  async function untilAvailable(record: RestoreRecord, before: readonly (object | Error)[], found: object) {
    const client = new ScriptedRds(
      [rds.DescribeDBClustersCommand, [...before, found, found, found, found]],
      [rds.RestoreDBClusterFromSnapshotCommand, [{ DBCluster: { Status: 'creating' } }]],
      [rds.RestoreDBClusterToPointInTimeCommand, [{ DBCluster: { Status: 'creating' } }]],
      [rds.ModifyDBClusterCommand, [{ DBCluster: { Status: 'available' } }]],
      [rds.CreateDBInstanceCommand, [{}, {}]],
      [
        rds.DescribeDBInstancesCommand,
        [
          NO_INSTANCE,
          instances('creating'),
          instances('available'),
          NO_INSTANCE,
          instances('available'),
          instances('available'),
        ],
      ],
    );
    const restored = new RdsRestoredCluster(client);
    let state = await restored.ensure(requestFor(record));
    for (let looks = 0; state.kind === 'creating' && looks < 6; looks += 1)
      state = await restored.ensure(requestFor(record));
    return { client, state };
  }

  test('is made of its snapshot as the plan has it, then its instances, the writer first', async () => {
    const { client, state } = await untilAvailable(cluster, [NO_CLUSTER], clusters('available'));
    expect(state).toEqual({ kind: 'available', identifier: ID, host: 'new.example', port: 5433 });
    expect(sorted(making(client).map(wordsOf))).toEqual(sorted(commandsOf(cluster)));
    const created = client.inputsOf(rds.CreateDBInstanceCommand);
    expect(created).toMatchObject([
      { DBInstanceClass: 'db.serverless', Tags },
      { DBInstanceClass: 'db.r8g.large', Tags },
    ]);
  });

  test('as it was at a time is begun when the backups have reached that', async () => {
    const source = { DBClusters: [{ LatestRestorableTime: reaching(AT) }] };
    const record = inTime(cluster);
    const { client, state } = await untilAvailable(record, [NO_CLUSTER, source], clusters('available'));
    expect(state.kind).toBe('available');
    expect(sorted(making(client).map(wordsOf))).toEqual(sorted(commandsOf(record)));
  });

  test('that is a clone is protected once, gets its instances, and keeps its name', async () => {
    const record: RestoreRecord = { ...cluster, method: 'clone' };
    const guarded = clusters('available', { DeletionProtection: true });
    const { client, state } = await untilAvailable(record, [clusters('available')], guarded);
    expect(state).toMatchObject({ kind: 'available', identifier: 'lockstep-orders-1' });
    expect(sorted(making(client).map(wordsOf))).toEqual(sorted(commandsOf(record)));
  });

  test('that was a clone and is gone is an LS751', async () => {
    const client = new ScriptedRds([rds.DescribeDBClustersCommand, [NO_CLUSTER]]);
    const record: RestoreRecord = { ...cluster, method: 'clone' };
    await expect(new RdsRestoredCluster(client).ensure(requestFor(record))).rejects.toMatchObject({
      code: 'LS751',
      what: expect.stringContaining('lockstep-orders-1'),
    });
  });
});
