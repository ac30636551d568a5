import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith, lockstep } from '../cli/command-line.ts';
import { databaseForTest } from '../cli/database-content.ts';
import { queryRows } from '../support/postgres.ts';
import { codeBlocks } from './markdown.ts';

const PAGE = 'docs/exec.md';
const MODULES = join(import.meta.dirname, '..', '..', 'node_modules');

test('exec.md: the example does what the page shows', async () => {
  const [script = ''] = codeBlocks(PAGE, 'js');
  const [block = ''] = codeBlocks(PAGE, 'console');
  const { url } = await databaseForTest();
  const folder = await folderWith({});
  await writeFile(join(folder, 'migrate.mjs'), script);
  await symlink(MODULES, join(folder, 'node_modules'));
  const entries = block.split(/^\$ lockstep /m).slice(1);
  expect(entries).toHaveLength(3);
  for (const entry of entries) {
    const [command = '', ...shown] = entry.trimEnd().split('\n');
    const { stdout, stderr } = await lockstep(command.split(' '), { DATABASE_URL: url }, folder);
    const printed = `${stdout}${stderr}`.split('\n');
    expect(printed.filter((line) => shown.includes(line))).toEqual(shown);
  }
});

test('choose.md: a database that another migrator has migrated through exec can be taken over afterwards', async () => {
  const { url } = await databaseForTest();
  const folder = await folderWith({
    '0001_schema.sql': 'CREATE TABLE account (id int);',
    '0002_email.sql': 'ALTER TABLE account ADD COLUMN email text;',
  });
  await queryRows(url, 'CREATE TABLE account (id int)');
  const run = (...args: string[]) => lockstep(args, { DATABASE_URL: url });
  expect(await run('exec', '--', 'true')).toMatchObject({ exitCode: 0 });
  expect(await run('baseline', '0001', '--migrations', folder)).toMatchObject({ exitCode: 0 });
  expect(await run('up', '--json', '--migrations', folder)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('"0002_email"'),
  });
});
