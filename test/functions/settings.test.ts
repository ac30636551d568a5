import { afterEach, describe, expect, test } from 'vitest';
import { DATABASE_SETTINGS, readSettings } from '../../functions/_runtime/settings.ts';
import { EnvName } from '../../lib/core/workflow/index.ts';

afterEach(() => {
  for (const name of Object.values(EnvName)) delete process.env[name];
});

const set = (settings: Partial<Record<keyof typeof EnvName, string>>) => {
  for (const [name, value] of Object.entries(settings))
    process.env[EnvName[name as keyof typeof EnvName]] = value;
};

const database = { databaseHost: 'db', databasePort: '5432', databaseName: 'app', databaseUser: 'migrator' };

describe('the settings of a function', () => {
  test('are read from the environment, numbers as numbers', () => {
    set({ ...database, target: 'orders', leaseDurationSeconds: '30' });
    expect(readSettings(['target', 'leaseDurationSeconds', ...DATABASE_SETTINGS])).toEqual({
      target: 'orders',
      leaseDurationSeconds: 30,
      databaseHost: 'db',
      databasePort: 5432,
      databaseName: 'app',
      databaseUser: 'migrator',
      databaseTls: 'verify',
    });
  });

  test('that a function does not ask for may be missing or wrong', () => {
    set({ target: 'orders', leaseWaitSeconds: 'soon' });
    expect(readSettings(['target'])).toEqual({ target: 'orders' });
  });

  test('are refused with all problems in one error', () => {
    set({
      databaseHost: '',
      databasePort: '0',
      databaseName: 'app',
      databaseTls: 'prefer',
      restorePointKind: 'aurora',
    });
    expect(() => readSettings(['target', 'restorePointKind', ...DATABASE_SETTINGS])).toThrow(
      [
        'LS102: The configuration is not usable: LOCKSTEP_TARGET is not set; ',
        'LOCKSTEP_RESTORE_POINT is none of none, rds-instance, rds-cluster; ',
        'LOCKSTEP_DATABASE_HOST is not set; ',
        'LOCKSTEP_DATABASE_PORT is not a positive whole number; ',
        'LOCKSTEP_DATABASE_TLS is none of verify, disable; ',
        'one of LOCKSTEP_DATABASE_SECRET_ARN and LOCKSTEP_DATABASE_USER has to be set.\n',
      ].join(''),
    );
  });

  test.each(['-1', '1.5', '1e3', ' 5', '5s', ''])('take no %o for a number of seconds', (value) => {
    set({ leaseDurationSeconds: value });
    expect(() => readSettings(['leaseDurationSeconds'])).toThrow(
      /^LS102: .*LOCKSTEP_LEASE_DURATION_SECONDS is not/,
    );
  });
});
