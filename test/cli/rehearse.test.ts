/** `rehearse`, and `plan --rehearsal`: on a copy that is given, and on one that the command makes and removes. */
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type PostgresServer, startPostgresServer } from '../../lib/local/index.ts';
import { queryRows } from '../support/postgres.ts';
import { isAlive } from '../support/process-tree.ts';
import { folderWith, lockstep, startLockstep } from './command-line.ts';

const FILES = {
  '0001_orders.sql': 'CREATE TABLE orders (id int PRIMARY KEY);\n',
  // Goes on when both probes wait, and have waited for a while: no clock decides what is seen.
  '0002_note.sql': `ALTER TABLE orders ADD note text;
DO $$ BEGIN
  WHILE (SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) < 2 LOOP
    PERFORM pg_sleep(0.01);
  END LOOP;
  PERFORM pg_sleep(0.3);
END $$;
`,
};
/** Settings that a copy must not have, one that it must, and a rule for logins that is not the usual one. */
const SETTINGS = {
  archive_mode: 'on',
  archive_command: '/bin/true',
  work_mem: '7777kB',
  max_connections: 50,
};

let server: PostgresServer;
let databases = 0;
beforeAll(async () => {
  server = await startPostgresServer({ settings: SETTINGS });
});
afterAll(() => server.stop());

interface Place {
  readonly folder: string;
  readonly url: string;
  readonly name: string;
  /** For temporary files of the commands. */
  readonly temporary: string;
  run(...args: string[]): ReturnType<typeof lockstep>;
  start(...args: string[]): ReturnType<typeof startLockstep>;
}

/** A database in which the first migration is applied, and a folder with all of them. */
async function place(files: Readonly<Record<string, string>> = FILES): Promise<Place> {
  databases += 1;
  const name = `orders${databases}`;
  await queryRows(server.url('postgres'), `CREATE DATABASE ${name}`);
  const url = server.url(name);
  const folder = await folderWith(files);
  const temporary = await mkdtemp(join(tmpdir(), 'rehearse-'));
  onTestFinished(() => rm(temporary, { recursive: true, force: true }));
  await chmod(temporary, 0o755);
  const env = { DATABASE_URL: url, LOCKSTEP_TARGET: 'orders', TMPDIR: temporary };
  const run: Place['run'] = (...args) => lockstep([...args, '--migrations', folder], env);
  expect((await run('up', '--to', '0001')).exitCode).toBe(0);
  return {
    folder,
    url,
    name,
    temporary,
    run,
    start: (...args) => startLockstep([...args, '--migrations', folder], env),
  };
}

/** Node keeps compiled code there, too. */
const left = async ({ temporary }: Place): Promise<string[]> =>
  (await readdir(temporary)).filter((name) => name.startsWith('lockstep'));

const applied = async (url: string): Promise<number> =>
  (await queryRows(url, 'SELECT FROM lockstep.applied')).length;

describe('on a copy that is given', () => {
  async function copied(from: Place): Promise<string> {
    await queryRows(server.url('postgres'), `CREATE DATABASE ${from.name}_copy TEMPLATE ${from.name}`);
    return server.url(`${from.name}_copy`);
  }

  test('what was measured is printed, kept, and shown in the plan, for as long as it is of this plan', async () => {
    const here = await place();
    const copy = await copied(here);
    const out = join(here.folder, 'rehearsal.json');
    const ended = await here.run('rehearse', '--on', copy, '--max-duration', '1h', '--out', out, '--json');
    expect(ended.exitCode, ended.stderr).toBe(0);
    const document = JSON.parse(ended.stdout);
    const { rehearsal } = document;
    expect(document.slowest).toEqual([]);
    expect(rehearsal).toMatchObject({
      layout: 1,
      target: 'orders',
      copy: 'given',
      verdict: 'within-budget',
      budget: { maxDurationMs: 3_600_000, maxBlockedMs: null },
      excesses: [],
      error: null,
      steps: [
        { migration: '0002_note', locks: [{ relation: 'public.orders', mode: 'ACCESS EXCLUSIVE', line: 1 }] },
      ],
    });
    expect(rehearsal.durationMs).toBeGreaterThanOrEqual(300);
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(document);
    expect([await applied(here.url), await applied(copy)]).toEqual([1, 2]);

    const plan = () => here.run('plan', '--rehearsal', out);
    const now = await plan();
    expect(now.stdout).toMatch(/^ {4}rehearsed: [\d.]+ m?s$/m);
    expect(now.stdout).toMatch(
      /^ {6}ACCESS EXCLUSIVE on public\.orders \(8\.0 KiB\) for at most [\d.]+ m?s, line 1$/m,
    );
    expect(now.stdout).not.toContain('Not of this plan');
    const json = JSON.parse((await here.run('plan', '--rehearsal', out, '--json')).stdout);
    expect(json).toMatchObject({ outcome: 'pending', rehearsal: { at: rehearsal.at, mismatches: [] } });

    await queryRows(here.url, 'DELETE FROM lockstep.entry');
    expect((await plan()).stdout).toContain('Not of this plan: the database was migrated since');
  });

  test('above a limit the command fails, with nothing done to the database, and tells why', async () => {
    const here = await place();
    const out = join(here.folder, 'rehearsal.json');
    const args = ['--on', await copied(here), '--max-duration', '200ms', '--max-blocked', '150ms'];
    const ended = await here.run('rehearse', ...args, '--out', out);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(
      /^Error LS743: .* it takes [\d.]+ m?s, longer than 200 ms \(and 2 more\)\.$/m,
    );
    expect(ended.stdout).toMatch(/^ {2}0002_note keeps readers of public\.orders waiting for [\d.]+ m?s/m);
    expect(JSON.parse(await readFile(out, 'utf8'))).toMatchObject({ rehearsal: { verdict: 'over-budget' } });
    expect(await applied(here.url)).toBe(1);
    expect((await here.run('plan', '--rehearsal', out)).stdout).toContain('Over the budget:');
  });

  test('a migration that fails is told with its place, and kept as failed', async () => {
    const here = await place({ ...FILES, '0003_wrong.sql': 'ALTER TABLE orders\n  ADD note text;\n' });
    const ended = await here.run('rehearse', '--on', await copied(here), '--json');
    expect(ended.exitCode).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      rehearsal: { verdict: 'failed', steps: [{ migration: '0002_note' }], error: { code: 'LS601' } },
      error: { code: 'LS742', position: { file: '0003_wrong.sql', line: 1 }, context: { code: 'LS601' } },
    });
    expect(await applied(here.url)).toBe(1);
  });

  test('the address may come from the environment; the database itself is refused', async () => {
    const here = await place();
    const env = { DATABASE_URL: here.url, LOCKSTEP_REHEARSE_ON: here.url };
    const ended = await lockstep(['rehearse', '--migrations', here.folder], env);
    expect(ended).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Error LS741') });
    expect(await applied(here.url)).toBe(1);
  });

  test('settings that are not understood are told at once, and so is a file that is no result', async () => {
    const here = await place();
    const wrong = await here.run(
      'rehearse',
      '--on',
      'mysql://x',
      '--max-blocked',
      '2',
      '--max-duration',
      '0s',
    );
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toMatch(/postgres:\/\/.*--max-duration 0s.*--max-blocked 2 /);
    const file = join(here.folder, '0001_orders.sql');
    expect((await here.run('plan', '--rehearsal', file)).stderr).toContain('Error LS744');
    expect((await here.run('plan', '--rehearsal', `${file}.not`)).stderr).toContain('Error LS103');
  });
});

/** Each starts two servers and several processes. */
describe('on a base backup', { timeout: 180_000 }, () => {
  const sleeping = { ...FILES, '0003_slow.sql': 'SELECT pg_sleep(600);\n' };

  /** Of the server of the copy. */
  async function copyIn({ temporary }: Place): Promise<{ pid: number; data: string }> {
    for (;;) {
      const names = await readdir(temporary, { recursive: true }).catch(() => []);
      const file = names.find((name) => name.endsWith(join('data', 'postmaster.pid')));
      const text = file && (await readFile(join(temporary, file), 'utf8').catch(() => ''));
      const [pid, data] = text?.split('\n') ?? [];
      if (file && Number(pid) > 0 && data) return { pid: Number(pid), data };
      await sleep(20);
    }
  }

  test('which has the settings of the original but for what would reach others, and is removed', async () => {
    const settings = `DO $$ BEGIN
      IF current_setting('work_mem') <> '7777kB' OR current_setting('max_connections') <> '50' THEN RAISE 'other settings'; END IF;
      IF current_setting('archive_mode') <> 'off' OR current_setting('archive_command') <> '(disabled)' THEN RAISE 'archives'; END IF;
      IF current_setting('max_logical_replication_workers') <> '0' THEN RAISE 'subscribes'; END IF;
      IF current_setting('listen_addresses') <> '127.0.0.1' THEN RAISE 'listens'; END IF;
    END $$;\n`;
    const here = await place({ ...FILES, '0003_settings.sql': settings });
    const ended = await here.run('rehearse', '--json');
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ rehearsal: { copy: 'base-backup', steps: [{}, {}] } });
    expect(await left(here)).toEqual([]);
    expect(await applied(here.url)).toBe(1);
  });

  test('is removed after a migration that failed', async () => {
    const here = await place({ ...FILES, '0003_wrong.sql': 'SELECT 1 / 0;\n' });
    expect((await here.run('rehearse')).exitCode).toBe(1);
    expect(await left(here)).toEqual([]);
  });

  test('is removed when the command is interrupted', async () => {
    const here = await place(sleeping);
    const { child, ended } = here.start('rehearse');
    const { pid } = await copyIn(here);
    child.kill('SIGTERM');
    expect((await ended).exitCode).toBe(130);
    expect(isAlive(pid)).toBe(false);
    expect(await left(here)).toEqual([]);
  });

  test('is removed by the next one when the command was killed', async () => {
    const here = await place(sleeping);
    const { child, ended } = here.start('rehearse');
    const { pid, data } = await copyIn(here);
    child.kill('SIGKILL');
    await ended;
    expect(isAlive(pid)).toBe(true);
    await rm(join(here.folder, '0003_slow.sql'));
    expect((await here.run('rehearse')).exitCode).toBe(0);
    expect(isAlive(pid)).toBe(false);
    await expect(readdir(data)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await left(here)).toEqual([]);
  });

  test('is not made by a login that may not', async () => {
    const here = await place();
    const base = server.url('postgres');
    await queryRows(
      base,
      `CREATE ROLE plain LOGIN PASSWORD 'word'; ALTER DATABASE ${here.name} OWNER TO plain`,
    );
    const url = Object.assign(new URL(here.url), { username: 'plain', password: 'word' }).href;
    const ended = await lockstep(['rehearse', '--migrations', here.folder], { DATABASE_URL: url });
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Error LS740') });
  });
});

test('a server with tablespaces of its own is not copied, which would share them', async () => {
  const own = await startPostgresServer();
  onTestFinished(own.stop);
  const client = new pg.Client(own.url('postgres'));
  await client.connect();
  await client.query('SET allow_in_place_tablespaces = on');
  await client.query("CREATE TABLESPACE side LOCATION ''");
  await client.end();
  const folder = await folderWith(FILES);
  const ended = await lockstep(['rehearse', '--migrations', folder], { DATABASE_URL: own.url('postgres') });
  expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/Error LS740.*tablespaces/) });
});
