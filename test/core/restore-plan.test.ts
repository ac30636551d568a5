/** How a restore point is brought back: commands of the AWS command line, held against the service's own model. */
import * as rds from '@aws-sdk/client-rds';
import { describe, expect, test } from 'vitest';
import {
  isWanted,
  pointInTime,
  type RestoreRecord,
  type RestoreStep,
  restoreRecordSchema,
  restoreSteps,
} from '../../lib/core/restore-point/index.ts';

const common = {
  subnetGroup: 'private',
  securityGroups: ['sg-1', 'sg-2'],
  parameterGroup: 'orders-pg18',
  port: 5433,
  iamLogin: true,
  deletionProtection: false,
};
const instance: RestoreRecord = {
  method: 'snapshot',
  source: 'orders-production',
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
    engineVersion: '17.5',
    capacity: { min: 0.5, max: 16 },
    instanceClass: null,
    members: [
      { instanceClass: 'db.serverless', parameterGroup: 'orders-members', publiclyAccessible: false },
      { instanceClass: 'db.r8g.large', parameterGroup: null, publiclyAccessible: false },
    ],
  },
};
const cloned: RestoreRecord = { ...cluster, method: 'clone' };
const inTime = (record: RestoreRecord): RestoreRecord => ({ ...record, method: 'point-in-time' });
const commands = (steps: readonly RestoreStep[]): string[] =>
  steps.filter(({ command }) => command.length > 0).map(({ command }) => command.join(' '));

test('an instance comes back from its snapshot beside the old one, and takes its name in the end', () => {
  expect(commands(restoreSteps('lockstep-1', instance))).toEqual([
    'aws rds restore-db-instance-from-db-snapshot --db-instance-identifier orders-production-restored --db-snapshot-identifier lockstep-1 --db-instance-class db.r8g.large --db-subnet-group-name private --vpc-security-group-ids sg-1 sg-2 --port 5433 --enable-iam-database-authentication --no-deletion-protection --db-parameter-group-name orders-pg18 --storage-type gp3 --multi-az --no-publicly-accessible',
    'aws rds wait db-instance-available --db-instance-identifier orders-production-restored',
    'aws rds modify-db-instance --db-instance-identifier orders-production --new-db-instance-identifier orders-production-before --apply-immediately',
    'aws rds describe-db-instances --db-instance-identifier orders-production-before',
    'aws rds wait db-instance-available --db-instance-identifier orders-production-before',
    'aws rds modify-db-instance --db-instance-identifier orders-production-restored --new-db-instance-identifier orders-production --apply-immediately',
    'aws rds describe-db-instances --db-instance-identifier orders-production',
    'aws rds wait db-instance-available --db-instance-identifier orders-production',
  ]);
});

test.each([instance, cluster, cloned])(
  'after a renaming, the new name is awaited before what waits for it',
  (record) => {
    const steps = restoreSteps('lockstep-1', record);
    const { type } = record.settings;
    const renamings = steps.flatMap(({ command }, at) =>
      command.includes(`--new-db-${type}-identifier`) ? [at] : [],
    );
    expect(renamings).toHaveLength(2);
    for (const at of renamings) {
      const name = steps[at]!.command.at(-2)!;
      const naming = [`--db-${type}-identifier`, name];
      expect(steps[at + 1]).toMatchObject({
        command: ['aws', 'rds', `describe-db-${type}s`, ...naming],
        repeat: true,
      });
      expect(steps[at + 2]?.command).toEqual(['aws', 'rds', 'wait', `db-${type}-available`, ...naming]);
    }
  },
);

test('a cluster of Aurora comes back without instances: they are made, the writer first', () => {
  const made = commands(restoreSteps('lockstep-1', cluster)).filter((line) =>
    line.includes('create-db-instance'),
  );
  expect(made).toEqual([
    'aws rds create-db-instance --db-cluster-identifier orders-production-restored --db-instance-identifier orders-production-restored-1 --engine aurora-postgresql --db-instance-class db.serverless --db-parameter-group-name orders-members --no-publicly-accessible',
    'aws rds create-db-instance --db-cluster-identifier orders-production-restored --db-instance-identifier orders-production-restored-2 --engine aurora-postgresql --db-instance-class db.r8g.large --no-publicly-accessible',
  ]);
});

test('a clone is protected, gets its instances, and takes the name of the old cluster in the end', () => {
  expect(commands(restoreSteps('lockstep-orders-1', cloned))).toEqual([
    'aws rds modify-db-cluster --db-cluster-identifier lockstep-orders-1 --deletion-protection --apply-immediately',
    'aws rds wait db-cluster-available --db-cluster-identifier lockstep-orders-1',
    'aws rds create-db-instance --db-cluster-identifier lockstep-orders-1 --db-instance-identifier orders-production-restored-1 --engine aurora-postgresql --db-instance-class db.serverless --db-parameter-group-name orders-members --no-publicly-accessible',
    'aws rds wait db-instance-available --db-instance-identifier orders-production-restored-1',
    'aws rds create-db-instance --db-cluster-identifier lockstep-orders-1 --db-instance-identifier orders-production-restored-2 --engine aurora-postgresql --db-instance-class db.r8g.large --no-publicly-accessible',
    'aws rds wait db-instance-available --db-instance-identifier orders-production-restored-2',
    'aws rds modify-db-cluster --db-cluster-identifier orders-production --new-db-cluster-identifier orders-production-before --apply-immediately',
    'aws rds describe-db-clusters --db-cluster-identifier orders-production-before',
    'aws rds wait db-cluster-available --db-cluster-identifier orders-production-before',
    'aws rds modify-db-cluster --db-cluster-identifier lockstep-orders-1 --new-db-cluster-identifier orders-production --apply-immediately',
    'aws rds describe-db-clusters --db-cluster-identifier orders-production',
    'aws rds wait db-cluster-available --db-cluster-identifier orders-production',
  ]);
});

test('a time is what the database is brought back to, not what the snapshot is called', () => {
  const at = '2026-11-21T14:59:58Z';
  const [reach, ofInstance] = commands(restoreSteps(at, inTime(instance)));
  expect(reach).toBe(
    'aws rds describe-db-instances --db-instance-identifier orders-production --query DBInstances[0].LatestRestorableTime --output text',
  );
  expect(ofInstance).toContain(
    `restore-db-instance-to-point-in-time --source-db-instance-identifier orders-production --target-db-instance-identifier orders-production-restored --restore-time ${at} `,
  );
  const [reachOfCluster, ofCluster] = commands(restoreSteps(at, inTime(cluster)));
  expect(reachOfCluster).toContain('describe-db-clusters');
  expect(reachOfCluster).toContain('DBClusters[0].LatestRestorableTime');
  expect(ofCluster).toContain(`--restore-to-time ${at} `);
});

test('a name stays within the 63 characters that RDS allows', () => {
  const source = 'o'.repeat(63);
  const names = restoreSteps('lockstep-1', { ...cluster, source })
    .flatMap(({ command }) => command)
    .filter((word) => word.startsWith('ooo'));
  expect(Math.max(...names.map((name) => name.length))).toBe(63);
  expect(new Set(names).size).toBe(5);
});

test.each([
  ['ends as the new name would', `${'o'.repeat(56)}-before`],
  ['ends as the new name would, a character shorter', `${'o'.repeat(55)}-before`],
  ['ends as that of the restored one would', `${'o'.repeat(54)}-restored`],
  ['would be cut behind a hyphen', `${'o'.repeat(53)}-${'o'.repeat(9)}`],
])('a name that %s gives others that RDS takes', (_, source) => {
  const steps = restoreSteps('lockstep-1', { ...instance, source });
  const names = steps.flatMap(({ command }) => command).filter((word) => word.startsWith('ooo'));
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(name).toMatch(/^(?=.{1,63}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
});

/** Structures of the service's model: `[kind, namespace, name, traits, member names, …]`. */
const INPUTS: Readonly<Record<string, readonly unknown[]>> = {
  'restore-db-instance-from-db-snapshot': rds.RestoreDBInstanceFromDBSnapshotMessage$,
  'restore-db-instance-to-point-in-time': rds.RestoreDBInstanceToPointInTimeMessage$,
  'restore-db-cluster-from-snapshot': rds.RestoreDBClusterFromSnapshotMessage$,
  'restore-db-cluster-to-point-in-time': rds.RestoreDBClusterToPointInTimeMessage$,
  'create-db-instance': rds.CreateDBInstanceMessage$,
  'modify-db-instance': rds.ModifyDBInstanceMessage$,
  'modify-db-cluster': rds.ModifyDBClusterMessage$,
  'describe-db-instances': rds.DescribeDBInstancesMessage$,
  'describe-db-clusters': rds.DescribeDBClustersMessage$,
};
/** Of the command line itself, for every command. */
const GLOBAL = ['query', 'output'];
/** As the command line makes an option of a member's name: DBInstanceIdentifier is db-instance-identifier. */
const optionOf = (member: string): string =>
  member
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();

describe.each([
  ['an instance from its snapshot', instance],
  ['an instance at a time', inTime(instance)],
  ['a cluster from its snapshot', cluster],
  ['a cluster at a time', inTime(cluster)],
  ['a clone of a cluster', cloned],
])('the commands for %s', (_, record) => {
  test('have only options that the service knows', () => {
    const steps = restoreSteps('x', record).filter(
      ({ command }) => command.length > 0 && command[2] !== 'wait',
    );
    expect(steps.length).toBeGreaterThan(2);
    for (const { command } of steps) {
      const members = INPUTS[command[2] ?? '']?.[4] as string[];
      const known = [...members.map(optionOf), ...GLOBAL];
      for (const word of command.filter((each) => each.startsWith('--'))) {
        const option = word.slice(2);
        expect(
          known.includes(option) || known.includes(option.replace(/^no-/, '')),
          `${command[2]} ${word}`,
        ).toBe(true);
      }
    }
  });
});

test('a record is small, and what the ledger gives back is what was noted', () => {
  for (const record of [instance, cluster, cloned]) {
    expect(restoreRecordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
  }
});

describe('a point in time', () => {
  const { settings } = instance;
  test('is there at once', () => {
    const noted = pointInTime(
      'orders',
      { state: 'available', hasContinuousBackups: true, settings },
      instance.at,
    );
    expect(noted).toMatchObject({
      status: 'available',
      id: instance.at,
      record: { method: 'point-in-time' },
    });
  });

  test('needs backups to go back with: LS701', () => {
    const note = () =>
      pointInTime('orders', { state: 'available', hasContinuousBackups: false, settings }, instance.at);
    expect(note).toThrow(expect.objectContaining({ code: 'LS701' }));
  });
});

test('a restore point is wanted always, or for hazards that destroy data only', () => {
  expect(isWanted('always', [])).toBe(true);
  expect(isWanted('when-destructive', [])).toBe(false);
  expect(isWanted('when-destructive', [{ class: 'rewrites-table' }])).toBe(false);
  expect(isWanted('when-destructive', [{ class: 'rewrites-table' }, { class: 'destructive' }])).toBe(true);
});
