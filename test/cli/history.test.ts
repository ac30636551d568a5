/** Commands around the history: baseline, out of order, repeatable objects. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep, startLockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const FILES = { '0001_a.sql': 'CREATE TABLE a ();\n', '0002_b.sql': 'CREATE TABLE b ();\n' };

async function site(files: Readonly<Record<string, string>> = FILES) {
  const [{ url, name }, folder] = [await databaseForTest(), await folderWith(files)];
  const run = (args: readonly string[], variables = {}) =>
    lockstep([...args, '--migrations', folder], { DATABASE_URL: url, ...variables });
  return { name, url, folder, run };
}

it('baseline records once, says so, and refuses a ledger with a history with exit code 4', async () => {
  const { name, run } = await site();
  const first = await run(['baseline', '0001']);
  expect(first.stdout).toBe(`Recorded 1 migration as there already in ${name}, without running:\n  0001_a\n`);
  const again = await run(['baseline', '0001', '--json']);
  expect(JSON.parse(again.stdout)).toEqual({ target: name, baselined: [] });
  expect(await run(['up'])).toMatchObject({ exitCode: 0 });
  const refused = await run(['baseline', '0002', '--json']);
  expect(refused.exitCode).toBe(4);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    error: { code: 'LS506', context: { revision: '0002' } },
  });
});

it('what comes too late is refused with exit code 4, or applied by --out-of-order or the environment', async () => {
  const { folder, run } = await site({ '0002_b.sql': 'CREATE TABLE b ();\n' });
  await run(['up']);
  await writeFile(join(folder, '0001_a.sql'), 'CREATE TABLE a ();\n');
  for (const command of ['plan', 'up', 'wait']) expect(await run([command])).toMatchObject({ exitCode: 4 });
  expect((await run(['plan', '--out-of-order', 'allow'])).stdout).toMatch(
    /0001_a +expand, no down file, out of order, after 0002\n/,
  );
  const allowed = { LOCKSTEP_OUT_OF_ORDER: 'allow' };
  expect((await run(['status'], allowed)).stdout).toMatch(/Next +`lockstep up` applies/);
  const up = await run(['up'], allowed);
  expect(up.stdout).toMatch(
    /^Applied 1 migration to .*:\n {2}0001_a\nOut of order, after higher ones: 0001_a\.\n$/,
  );
  expect(up.stderr).toContain('0001_a runs out of order: 0002 above it is applied');
  expect(JSON.parse((await run(['up', '--json'])).stdout)).toMatchObject({
    outcome: 'nothing-pending',
    outOfOrder: [],
  });
  for (const [args, variables] of [
    [['up', '--out-of-order', 'maybe'], {}],
    [['up'], { LOCKSTEP_OUT_OF_ORDER: 'maybe' }],
  ] as const)
    expect(await run(args, variables)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('maybe'),
    });
});

const VIEW = {
  '0001_users.sql': 'CREATE TABLE users (id int);\nCREATE TABLE ran (what text);\n',
  'R_ids.sql': "CREATE OR REPLACE VIEW ids AS SELECT id FROM users;\nINSERT INTO ran VALUES ('ids');\n",
};

it('repeatable objects are in what new, plan, up, status, history, wait and bundle say', async () => {
  const { name, url, folder, run } = await site(VIEW);
  expect((await run(['plan'])).stdout).toBe(
    `1 migration and 1 repeatable object to apply to ${name}:\n  0001_users  expand, no down file\n  R_ids  repeatable\n`,
  );
  expect(await run(['wait', '--timeout', '0s'])).toMatchObject({ exitCode: 3 });
  expect((await run(['up'])).stdout).toBe(
    `Applied 1 migration and 1 repeatable object to ${name}:\n  0001_users\n  R_ids\n`,
  );
  expect((await run(['up'])).stdout).toMatch(/^Nothing to apply/);
  expect((await run(['wait', '--timeout', '0s'])).exitCode).toBe(0);
  expect((await run(['new', 'user names', '--repeatable'])).stdout).toBe(
    `Wrote ${folder}/R_user_names.sql\n`,
  );
  expect((await run(['new', 'x', '--repeatable', '--phase', 'contract'])).exitCode).toBe(2);
  const status = await run(['status']);
  expect(status.stdout).toMatch(/Pending +1 repeatable object: R_user_names\n/);
  expect(JSON.parse((await run(['plan', '--json'])).stdout)).toMatchObject({
    outcome: 'pending',
    pending: [],
    repeatables: [{ name: 'user_names', hazards: [] }],
  });
  expect(JSON.parse((await run(['up', '--json'])).stdout)).toMatchObject({ applied: ['R_user_names'] });
  const history = (await run(['history'])).stdout.split('\n').map((line) => line.split(/ {2,}/).slice(1, 3));
  expect(history.slice(0, 3)).toEqual([
    ['applied', '0001_users'],
    ['applied', 'R_ids'],
    ['applied', 'R_user_names'],
  ]);
  const bundle = join(folder, 'bundle.json');
  expect(JSON.parse((await run(['bundle', '--out', bundle, '--json'])).stdout)).toMatchObject({
    migrations: ['0001_users'],
    repeatables: ['R_ids', 'R_user_names'],
  });
  const read = await lockstep(['plan', '--bundle', bundle], { DATABASE_URL: url });
  expect(read.stdout).toMatch(/^Nothing to apply/);
});

it('ten processes at once apply a repeatable object once, and all of them succeed', async () => {
  const { url, run } = await site(VIEW);
  const all = await Promise.all(Array.from({ length: 10 }, () => run(['up', '--json'])));
  expect(all.map(({ exitCode }) => exitCode)).toEqual(Array(10).fill(0));
  expect(await queryRows(url, 'SELECT what FROM ran')).toEqual([{ what: 'ids' }]);
  expect(await queryRows(url, 'SELECT name, ordinal FROM lockstep.repeatable')).toEqual([
    { name: 'ids', ordinal: 1 },
  ]);
});

it('a process that is killed in a repeatable object leaves nothing of it, and the next one applies it', async () => {
  const slow = `${VIEW['R_ids.sql']}SELECT pg_sleep(30) WHERE to_regclass('slow') IS NOT NULL;\n`;
  const { url, folder, run } = await site({ ...VIEW, 'R_ids.sql': slow });
  await queryRows(url, 'CREATE TABLE slow ()');
  const { child, ended } = startLockstep(['up', '--migrations', folder], { DATABASE_URL: url });
  const sleeping =
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
  await expect.poll(() => queryRows(url, sleeping), { timeout: 60_000 }).toHaveLength(1);
  child.kill('SIGKILL');
  await ended;
  await queryRows(url, 'DROP TABLE slow');
  expect(await queryRows(url, 'SELECT what FROM ran')).toEqual([]);
  const next = await run(['up', '--json', '--lease-duration', '3s']);
  expect(JSON.parse(next.stdout)).toMatchObject({ applied: ['R_ids'] });
  expect(await queryRows(url, 'SELECT what FROM ran')).toEqual([{ what: 'ids' }]);
}, 120_000);

it('a repeatable object that fails is shown with its place, one that cannot be in a transaction is refused', async () => {
  const { folder, run } = await site({
    ...VIEW,
    'R_ids.sql': 'CREATE VIEW ids AS\n  SELECT nowhere FROM users;\n',
  });
  const failed = await run(['up']);
  expect(failed).toMatchObject({ exitCode: 1 });
  expect(failed.stderr).toContain('  R_ids.sql:2:10\n  2 |   SELECT nowhere FROM users;\n               ^\n');
  await writeFile(join(folder, 'R_ids.sql'), 'CREATE INDEX CONCURRENTLY i ON users (id);\n');
  for (const command of ['plan', 'up', 'bundle'])
    expect(await run([command])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Error LS211'),
    });
});
