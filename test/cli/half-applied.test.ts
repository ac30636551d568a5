import { expect, it } from 'vitest';
import { folderWith, lockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const FIRST = { '0001_t.sql': 'CREATE TABLE t (id int);\n' };

it('files that lack a half-applied migration: plan, up and status say so, and nothing else is applied', async () => {
  const variables = { DATABASE_URL: (await databaseForTest()).url };
  const run = async (command: string, files: Readonly<Record<string, string>>) =>
    lockstep([command, '--migrations', await folderWith(files)], variables);
  const broken = 'CREATE INDEX CONCURRENTLY t_id ON t (id);\nSELECT nowhere;\n';
  expect((await run('up', { ...FIRST, '0002_half.sql': broken })).exitCode).toBe(1);

  const told = /^Half applied, and not in these migrations: 0002_half\.$/m;
  expect((await run('plan', FIRST)).stdout).toMatch(told);
  expect(await run('up', FIRST)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(told) });
  const status = (await run('status', FIRST)).stdout;
  expect(status).toMatch(/^Unfinished +0002_half \(up\): 1 step done$/m);
  expect(status).toMatch(/^Next +`lockstep up` with the migrations that have 0002_half finishes it\.$/m);

  const other = { ...FIRST, '0003_u.sql': 'CREATE TABLE u ();\n' };
  expect(await run('up', other)).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('LS612') });
});
