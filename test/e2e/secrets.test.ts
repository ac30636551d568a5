/**
 * A password is nowhere in what Lockstep writes: output, logs, errors, ledger, reports, the data and events of the
 * workflow, templates, the list of processes. The password of the tests' server is looked for, in every form that it takes.
 */
import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, inject, onTestFinished, test } from 'vitest';
import { folderWith, lockstep, startLockstep } from '../cli/command-line.ts';
import { SLEEPING } from '../engine/site.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';
import { type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const PASSWORD = new URL(inject('postgresUrl')).password;
const FORMS = [
  PASSWORD,
  Buffer.from(PASSWORD).toString('base64').replace(/=+$/, ''),
  Buffer.from(PASSWORD).toString('hex'),
];
const isIn = (text: string): boolean => FORMS.some((form) => text.includes(form));

const GOOD = { '0001_a.sql': 'CREATE TABLE a (id int);', '0001_a.down.sql': 'DROP TABLE a;' };
const BAD = { ...GOOD, '0002_b.sql': 'CREATE TABLE b (id int);\nALTER TABLE missing ADD COLUMN x int;' };
const SLOW = { ...GOOD, '0002_slow.sql': 'SELECT pg_sleep(60);' };

/** Every value of every table of the ledger. */
async function ledgerOf(url: string): Promise<string> {
  const tables = await queryRows<{ name: string }>(
    url,
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'lockstep'::regnamespace AND relkind = 'r'`,
  );
  const contents = tables.map(({ name }) => queryRows(url, `SELECT * FROM lockstep.${name}`));
  return JSON.stringify(await Promise.all(contents));
}

async function filesBelow(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(path, 'latin1')] as const)),
  );
}

test('what is looked for would be found', () => {
  expect(PASSWORD.length).toBeGreaterThan(16);
  expect(isIn(JSON.stringify({ url: inject('postgresUrl') }))).toBe(true);
});

test('commands print and record none, whether they succeed or not, and the list of processes has none', async () => {
  const database = await createDatabase();
  onTestFinished(database.drop);
  const env = { DATABASE_URL: database.url };
  const [good, bad, slow] = await Promise.all([GOOD, BAD, SLOW].map(folderWith));
  const out = await folderWith({});
  const elsewhere = (change: (url: URL) => void) => {
    const url = new URL(database.url);
    change(url);
    return { DATABASE_URL: url.href };
  };
  const commands: [string[], Record<string, string>?][] = [
    [['up', '--migrations', good!]],
    [['up', '--migrations', bad!, '--json']],
    [['up', '--migrations', bad!, '--dry-run']],
    [['status', '--migrations', good!]],
    [['doctor', '--migrations', good!, '--json']],
    [['exec', '--', process.execPath, '-e', 'process.exit(3)']],
    [['runs', '--json']],
    [
      ['status'],
      elsewhere((url) => {
        url.pathname = '/nowhere';
      }),
    ],
    [
      ['status'],
      elsewhere((url) => {
        url.username = 'nobody';
      }),
    ],
    [
      ['doctor'],
      elsewhere((url) => {
        url.port = '1';
      }),
    ],
    [['status', '--json'], { DATABASE_URL: `${database.url}?sslmode=sometimes` }],
    [['status'], { DATABASE_URL: database.url.replace('postgres:', 'mysql:') }],
    [['status'], { DATABASE_URL: database.url.replace('@', '@[') }],
  ];
  for (const [args, other] of commands) {
    const { stdout, stderr } = await lockstep(args, { ...env, ...other });
    expect(isIn(stdout + stderr), `lockstep ${args.join(' ')} prints the password`).toBe(false);
    expect(stdout + stderr).not.toBe('');
  }
  const [run] = await queryRows<{ run_id: string }>(database.url, 'SELECT run_id FROM lockstep.run LIMIT 1');
  await lockstep(['runs', 'report', run!.run_id, '--out', join(out, 'run.html')], env);
  await lockstep(['bundle', '--migrations', good!, '--out', join(out, 'bundle.json')], env);
  const written = await filesBelow(out);
  expect(written.size).toBe(2);
  for (const [path, content] of written) expect(isIn(content), path).toBe(false);

  const { child, ended } = startLockstep(['up', '--migrations', slow!], env);
  await expect
    .poll(() => queryRows(database.url, SLEEPING), {
      timeout: 30_000,
    })
    .not.toEqual([]);
  const listed = execFileSync('ps', ['-o', 'args=', '-p', String(child.pid)], { encoding: 'utf8' });
  expect(listed).toContain('up --migrations');
  expect(isIn(listed)).toBe(false);
  const sessions = await queryRows(
    database.url,
    'SELECT application_name, query FROM pg_stat_activity WHERE datname = current_database()',
  );
  expect(isIn(JSON.stringify(sessions))).toBe(false);
  child.kill('SIGINT');
  const { stdout, stderr } = await ended;
  expect(isIn(stdout + stderr)).toBe(false);
  expect(isIn(await ledgerOf(database.url))).toBe(false);
});

let coordinator: LocalCoordinator | undefined;
afterEach(() => coordinator?.stop());

test('the workflow has none in its data, events, logs and templates, nor in the ledger', async () => {
  coordinator = await startCoordinator();
  const { cloud } = coordinator;
  const said: unknown[] = [];
  for (const files of [GOOD, BAD]) {
    const run = (await coordinator.deploy(files)).start({});
    said.push(await run.outcome, run.events);
  }
  const stopped = (await coordinator.deploy(SLOW)).start({});
  await expect
    .poll(() => coordinator!.query(SLEEPING), {
      timeout: 30_000,
    })
    .not.toEqual([]);
  stopped.abort();
  said.push(await stopped.outcome, stopped.events, cloud.eventBus.events);
  const told = JSON.stringify(said);
  expect(told).toContain('missing');
  expect(isIn(told)).toBe(false);
  expect(isIn(await ledgerOf(coordinator.url))).toBe(false);
  const files = await filesBelow(coordinator.directory);
  expect([...files.keys()].map((path) => path.split('/').at(-1))).toContain('functions.log');
  expect([...files].filter(([, content]) => isIn(content)).map(([path]) => path)).toEqual([]);
});
