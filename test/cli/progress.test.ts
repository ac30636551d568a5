import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, it } from 'vitest';
import { folderWith, lockstep, startLockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const WAITS = 'CREATE INDEX CONCURRENTLY, waiting for writers before build, 0 %; waits for 1 session';

it('how far a long index build is: `up` says so, and `status` of another process', async () => {
  const { url } = await databaseForTest();
  const writer = new pg.Client({ connectionString: url });
  await writer.connect();
  await writer.query('CREATE TABLE t (id int)');
  await writer.query('BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE');
  const folder = await folderWith({ '0001_index.sql': 'CREATE INDEX CONCURRENTLY t_id ON t (id);\n' });
  const variables = { DATABASE_URL: url };
  const up = startLockstep(['up', '--migrations', folder], variables);
  let told = '';
  up.child.stderr?.on('data', (chunk) => {
    told += String(chunk);
  });
  while (!told.includes(`0001_index, step 1: ${WAITS}`)) await sleep(50);
  const status = await lockstep(['status', '--migrations', folder], variables);
  expect(status.stdout).toMatch(new RegExp(`^Progress +${WAITS}$`, 'm'));
  const json = await lockstep(['status', '--json', '--migrations', folder], variables);
  expect(JSON.parse(json.stdout)).toMatchObject({ progress: { share: 0, blockedBy: 1 } });
  await writer.query('COMMIT');
  await writer.end();
  expect((await up.ended).exitCode).toBe(0);
});
