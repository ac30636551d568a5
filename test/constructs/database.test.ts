/** How the database is found and logged in to, and which properties are refused. */
import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, test } from 'vitest';
import type { RestorePointOptions } from '../../lib/constructs/restore-points.ts';
import { CoordinatorStack } from '../../lib/coordinator-stack.ts';
import type { MigrationCoordinatorProps } from '../../lib/index.ts';
import {
  coordinatorStack,
  inIsolatedSubnets,
  MIGRATIONS,
  newApp,
  privateVpc,
  rdsInstance,
  VARIANTS,
} from './stacks.ts';
import { policiesOf, printed } from './statements.ts';

/** The settings of Migrate, whose environment all functions have. */
function environmentOf(template: Template): Record<string, string> {
  const [, found] =
    Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.includes('migrate')) ??
    [];
  const variables = Object.entries(found?.Properties.Environment.Variables ?? {});
  return Object.fromEntries(
    variables.map(([name, value]) => [name.replace('LOCKSTEP_', ''), printed(value)]),
  );
}

describe('the database', () => {
  test.each([
    [
      'an RDS instance in private subnets',
      {
        DATABASE_HOST: '<Database.Endpoint.Address>',
        DATABASE_PORT: '<Database.Endpoint.Port>',
        DATABASE_SECRET_ARN: '<DatabaseSecretAttachment>',
        RESTORE_POINT: 'rds-instance',
        RESTORE_POINT_SOURCE: '<Database>',
        RESTORE_POINT_KEEP: '5',
      },
    ],
    [
      'a plain host with a secret',
      {
        DATABASE_HOST: 'db.example.com',
        DATABASE_PORT: '6432',
        DATABASE_SECRET_ARN: '<Login>',
        RESTORE_POINT: 'none',
      },
    ],
    ['IAM login', { DATABASE_USER: 'migrator', RESTORE_POINT: 'rds-cluster' }],
    ['no restore point', { RESTORE_POINT: 'none' }],
    [
      'a database of another stack',
      { DATABASE_HOST: 'orders.example.com', DATABASE_PORT: '5432', RESTORE_POINT_SOURCE: 'orders' },
    ],
  ] as const)('%s', (name, expected) => {
    expect(environmentOf(VARIANTS[name]().template)).toMatchObject(expected);
  });

  test('with IAM login there is no secret, and without restore points no source of them', () => {
    expect(environmentOf(VARIANTS['IAM login']().template)).not.toHaveProperty('DATABASE_SECRET_ARN');
    expect(environmentOf(VARIANTS['no restore point']().template)).not.toHaveProperty('RESTORE_POINT_SOURCE');
  });

  test('a password that RDS keeps is read where RDS keeps it', () => {
    const stack = new CoordinatorStack(newApp(), 'Lockstep', { migrations: MIGRATIONS });
    expect(environmentOf(Template.fromStack(stack)).DATABASE_SECRET_ARN).toBe(
      '<Database.MasterUserSecret.SecretArn>',
    );
  });
});

describe('properties', () => {
  test('reach the functions', () => {
    const { template } = coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      restorePoint: { keep: 2 },
      rollBackPolicy: 'code-only' as const,
      outOfOrder: 'allow' as const,
      leaseDuration: Duration.minutes(2),
      leaseWait: Duration.hours(1),
      migrateTimeout: Duration.minutes(5),
      runTimeout: Duration.hours(3),
      eventBus: new EventBus(stack, 'Bus') as IEventBus,
    }));
    expect(environmentOf(template)).toMatchObject({
      RESTORE_POINT_KEEP: '2',
      ROLL_BACK_POLICY: 'code-only',
      OUT_OF_ORDER: 'allow',
      LEASE_DURATION_SECONDS: '120',
      LEASE_WAIT_SECONDS: '3600',
      EVENT_BUS_NAME: '<Bus>',
    });
    const timeouts = Object.values(template.findResources('AWS::Lambda::Function')).map(
      ({ Properties }) => Properties.Timeout,
    );
    expect(timeouts.toSorted((a, b) => a - b)).toEqual([60, 60, 60, 180, 180, 300, 300]);
    const buses = policiesOf(template)
      .flatMap(({ statements }) => statements)
      .filter(({ actions }) => actions.includes('events:PutEvents'))
      .flatMap(({ resources }) => resources);
    expect(new Set(buses)).toEqual(new Set(['<Bus.Arn>']));
  });

  test('the target is the path of the construct unless it is given', () => {
    const stack = new CoordinatorStack(newApp(), 'Lockstep', { migrations: MIGRATIONS });
    expect(environmentOf(Template.fromStack(stack)).TARGET).toBe('Lockstep/Coordinator');
  });

  type Wrong = Partial<MigrationCoordinatorProps>;
  test.each<[Wrong, string]>([
    [{ target: 'orders; DROP' }, 'target has characters that a tag cannot have, or is longer than 200.'],
    [{ restorePoint: { keep: 1.5 } }, 'restorePoint.keep is not a whole number from 1 to 100.'],
    [{ restorePoint: { keep: 0 } }, 'restorePoint.keep is not a whole number from 1 to 100.'],
    [
      { restorePoint: { keep: 2, method: 'point-in-time' } },
      'restorePoint.keep and keepFor are for snapshots and clones',
    ],
    [{ restorePoint: { method: 'clone', keep: 14 } }, 'restorePoint.keep is more than 13'],
    [{ restorePoint: { keepFor: Duration.days(2) } }, 'restorePoint.keepFor is not a whole number of days'],
    [{ restorePoint: { keepFor: Duration.hours(73) } }, 'restorePoint.keepFor is not a whole number of days'],
    [
      { restorePoint: { keepFor: Duration.days(3), method: 'point-in-time' } },
      'restorePoint.keep and keepFor are for snapshots and clones',
    ],
    [{ leaseDuration: Duration.seconds(5) }, 'leaseDuration is not between 10 seconds and 15 minutes.'],
    [{ leaseWait: Duration.hours(5) }, 'leaseWait is not between 1 second and 4 hours.'],
    [{ migrateTimeout: Duration.minutes(16) }, 'migrateTimeout is not between 30 seconds and 15 minutes.'],
    [{ reconcileEvery: Duration.seconds(30) }, 'reconcileEvery is less than 1 minute.'],
    [{ reports: { prefix: '*' } }, 'reports.prefix begins with a slash'],
    [{ reports: { prefix: 'a/../b/' } }, 'reports.prefix begins with a slash'],
    [{ runTimeout: Duration.minutes(10) }, 'runTimeout is not between leaseWait and 24 hours.'],
    [{ migrations: '/nowhere/at/all' }, 'There are no migrations at /nowhere/at/all'],
    [
      { database: { host: 'db.example.com' } },
      'The database has no secret of its own: give login: { secret } or { iamUser }.',
    ],
    [
      { database: { host: 'db.example.com' }, login: { iamUser: 'migrator' } },
      'A plain host has no IAM login: give login: { secret }, or the RDS construct as database.',
    ],
  ])('refused: %o', (wrong, message) => {
    expect(() => coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), ...wrong }))).toThrow(message);
  });

  test('all problems are told at once', () => {
    const wrong = { leaseWait: Duration.hours(5), migrateTimeout: Duration.minutes(16) };
    expect(() => coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), ...wrong }))).toThrow(
      /leaseWait is not .* migrateTimeout is not/,
    );
  });

  test('a restore point that is kept for so many days is looked for every day, and by nobody otherwise', () => {
    const daily = (restorePoint: RestorePointOptions) => {
      const { template } = coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), restorePoint }));
      const rules = Object.values(template.findResources('AWS::Events::Rule')).map(({ Properties }) => ({
        schedule: Properties.ScheduleExpression,
        input: Properties.Targets[0].Input,
      }));
      const { RESTORE_POINT_KEEP_DAYS: days } = environmentOf(template);
      return { days, rules: rules.filter(({ schedule }) => schedule !== undefined) };
    };
    expect(daily({ keepFor: Duration.days(14) })).toEqual({
      days: '14',
      rules: [{ schedule: 'rate(1 day)', input: '{"expire":true}' }],
    });
    expect(daily({ keep: 2 })).toEqual({ days: undefined, rules: [] });
  });

  test('a clone is made of Aurora only, and one stays', () => {
    const clone: RestorePointOptions = { method: 'clone' };
    const { template } = coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), restorePoint: clone }));
    expect(environmentOf(template)).toMatchObject({
      RESTORE_POINT_METHOD: 'clone',
      RESTORE_POINT_KEEP: '1',
    });
    const refused = () =>
      coordinatorStack((stack) => {
        const vpc = privateVpc(stack);
        return { database: rdsInstance(stack, vpc), vpc, restorePoint: clone };
      });
    expect(refused).toThrow("restorePoint.method 'clone' is for Aurora");
  });

  test('a plain host has no restore points', () => {
    const refused = () =>
      coordinatorStack((stack) => ({
        ...inIsolatedSubnets(stack),
        database: { host: 'db.example.com' },
        login: { secret: Secret.fromSecretNameV2(stack, 'Login', 'orders/migrator') },
        restorePoint: { keep: 3 },
      }));
    expect(refused).toThrow("write restorePoint: 'none', or leave it out.");
  });
});
