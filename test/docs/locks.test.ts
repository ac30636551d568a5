import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith, startLockstep } from '../cli/command-line.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';
import { codeBlocks } from './markdown.ts';

const [reading = '', change = '', ledger = ''] = codeBlocks('docs/locks.md', 'sql');
const [said = ''] = codeBlocks('docs/locks.md', '');

/** Pids, names and times are those of the example. */
const pattern = (line: string): RegExp =>
  new RegExp(
    line
      .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace('4711', '\\d+')
      .replace('user shop', 'user \\w+')
      .replaceAll(/\d+(\\\.\d)? m?s\b/g, '[\\d.]+ m?s'),
  );

test('the example waits for the open transaction, says so, and goes on when it ends', async () => {
  const database = await createDatabase();
  onTestFinished(database.drop);
  await queryRows(database.url, 'CREATE TABLE orders (id int)');
  const reader = new pg.Client({ connectionString: database.url, application_name: 'psql' });
  await reader.connect();
  onTestFinished(() => reader.end());
  await reader.query(reading);
  // As old as a long transaction.
  await reader.query('SELECT pg_sleep(1.1)');
  const folder = await folderWith({ '0002_add_note.sql': change });
  const { child, ended } = startLockstep(['up', '--migrations', folder], { DATABASE_URL: database.url });
  const [waits = '', applied = ''] = said.trim().split('\n');
  let told = '';
  await new Promise<void>((resolve) => {
    child.stderr?.on('data', (data) => {
      told += data;
      if (pattern(waits).test(told)) resolve();
    });
    child.once('close', () => resolve());
  });
  expect(told).toMatch(pattern(waits));
  await reader.query('COMMIT');
  const { exitCode, stderr } = await ended;
  expect(stderr).toMatch(pattern(applied));
  expect(exitCode).toBe(0);
  expect(await queryRows(database.url, ledger)).toMatchObject([
    { written_as: '0002', locks: [{ relation: 'public.orders', mode: 'ACCESS EXCLUSIVE', tries: 1 }] },
  ]);
});
