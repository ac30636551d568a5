import { randomUUID } from 'node:crypto';
import { expect, inject, onTestFinished, test } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep } from './command-line.ts';

const PROCESSES = 30;

test('30 processes at once with --create-database, and no database: it is made and migrated once, and all succeed', async () => {
  const name = `made_${randomUUID().slice(0, 8)}`;
  const maintenance = inject('postgresUrl');
  onTestFinished(async () => {
    await queryRows(maintenance, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
  const url = Object.assign(new URL(maintenance), { pathname: `/${name}` }).href;
  const folder = await folderWith({
    '0001_effects.sql': 'CREATE TABLE effects (n int); INSERT INTO effects VALUES (1);',
  });
  const refused = await lockstep(['up', '--migrations', folder], { DATABASE_URL: url });
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--create-database') });

  const both = await lockstep(['up', '--create-database', '--dry-run', '--migrations', folder], {
    DATABASE_URL: url,
  });
  expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LS101') });

  const ended = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      lockstep(['up', '--create-database', '--migrations', folder], { DATABASE_URL: url }),
    ),
  );
  expect(ended.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
  expect(ended.filter(({ stderr }) => stderr.includes(`Created the database ${name}`))).toHaveLength(1);
  expect(await queryRows(url, 'SELECT n FROM effects')).toEqual([{ n: 1 }]);
}, 120_000);
