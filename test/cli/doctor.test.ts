import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep, startLockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const FILES = { '0001_a.sql': 'CREATE TABLE a (id int);\n' };

const json = async (args: readonly string[], url: string) => {
  const { stdout, exitCode } = await lockstep(['doctor', '--json', ...args], { DATABASE_URL: url });
  return { exitCode, ...JSON.parse(stdout) };
};

it('exits with 0 when all is well, and names what is pending', async () => {
  const { url, name } = await databaseForTest();
  const folder = await folderWith(FILES);
  const before = await json(['--migrations', folder], url);
  expect(before).toMatchObject({ exitCode: 0, target: name, next: '`lockstep up` applies what is pending.' });
  expect(before).not.toHaveProperty('error');
  for (const finding of before.findings)
    expect(Object.keys(finding)).toEqual(['name', 'level', 'what', 'next', 'see']);
  await lockstep(['up', '--migrations', folder], { DATABASE_URL: url });
  const after = await lockstep(['doctor', '--migrations', folder], { DATABASE_URL: url });
  expect(after).toMatchObject({ exitCode: 0, stderr: '' });
  expect(after.stdout).toMatch(/^ok +migrations +All applied\.$/m);
  expect(after.stdout).toMatch(/\nNext: nothing is to be done\.\n$/);
});

it('does without migrations, unless they were asked for', async () => {
  const { url } = await databaseForTest();
  const folder = await folderWith({});
  const without = await lockstep(['doctor'], { DATABASE_URL: url }, folder);
  expect(without).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^note +migrations +Not/m) });
  const asked = await json(['--migrations', '/nowhere'], url);
  expect(asked).toMatchObject({ exitCode: 1 });
  expect(asked.findings).toContainEqual(
    expect.objectContaining({ name: 'migrations', level: 'problem', see: expect.stringContaining('ls103') }),
  );
});

it('explains a port that nobody listens on, and gives up soon', async () => {
  const { exitCode, findings, next } = await json([], 'postgres://user@127.0.0.1:1/orders');
  expect(findings).toMatchObject([
    {
      name: 'connection',
      level: 'problem',
      what: expect.stringMatching(/^No answer from 127\.0\.0\.1:1 within 5 s: /),
    },
  ]);
  expect({ exitCode, next }).toEqual({ exitCode: 1, next: findings[0].next });
});

it('tells that a process which stands still has lost its lease, and the run that it names mends it', async () => {
  const { url } = await databaseForTest();
  const folder = await folderWith({ '0001_slow.sql': 'SELECT pg_sleep(1);\n', '0002_b.sql': 'SELECT 1;\n' });
  const up = ['up', '--migrations', folder, '--lease-duration', '3s'];
  const until = async (condition: string) => {
    const sql = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND ${condition}`;
    while ((await queryRows(url, sql)).length === 0) await sleep(20);
  };
  const { child } = startLockstep(up, { DATABASE_URL: url });
  await until(`wait_event = 'PgSleep'`);
  child.kill('SIGSTOP');
  await until(`application_name LIKE 'lockstep #%' AND state LIKE 'idle%'
    AND state_change < clock_timestamp() - interval '3 s'`);
  const stopped = await json(['--migrations', folder], url);
  const problems = stopped.findings.filter((f: { level: string }) => f.level === 'problem');
  expect(problems).toMatchObject([
    { name: 'lease', what: expect.stringMatching(/has expired/) },
    { name: 'lock', what: expect.stringMatching(/is left behind: it has been silent for \d+ s/) },
  ]);
  expect(stopped).toMatchObject({ exitCode: 1, next: expect.stringContaining('lockstep up') });
  expect(await lockstep(up, { DATABASE_URL: url })).toMatchObject({ exitCode: 0 });
  expect(await json(['--migrations', folder], url)).toMatchObject({ exitCode: 0 });
});
