import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { descendantsOf, isAlive } from '../support/process-tree.ts';
import { folderWith, lockstep, startLockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const MIGRATOR = fileURLToPath(new URL('../support/racy-migrator.ts', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../bin/lockstep.ts', import.meta.url));

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

async function site() {
  const { url } = await databaseForTest();
  const folder = await folderWith({});
  const variables = { DATABASE_URL: url };
  return {
    url,
    folder,
    variables,
    exec: (...args: string[]) => lockstep(['exec', ...args], variables),
    shell: (script: string, ...options: string[]) =>
      lockstep(['exec', ...options, '--', 'sh', '-c', script], variables),
    lastRun: async () =>
      JSON.parse((await lockstep(['status', '--json', '--migrations', folder], variables)).stdout).lastRun,
  };
}

describe('ten processes at once, with a migrator that takes no lock', () => {
  const PROCESSES = Array.from({ length: 10 }, (_, i) => i);

  it('with exec run it one after the other, and all succeed', async () => {
    const { url, folder, exec, lastRun } = await site();
    const busy = join(folder, 'busy');
    const ended = await Promise.all(
      PROCESSES.map(() => exec('--json', '--', process.execPath, MIGRATOR, busy)),
    );
    expect(ended.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    const results = ended.map(({ stdout }) => JSON.parse(stdout));
    expect(results.map(({ token }) => token).toSorted((a, b) => a - b)).toEqual(PROCESSES.map((i) => i + 1));
    expect(results.flatMap(({ histories }) => histories)).toEqual([
      { tool: 'Alembic', table: 'public.alembic_version', added: ['0001'], removed: [] },
    ]);
    expect(await queryRows(url, 'SELECT version_num FROM alembic_version')).toEqual([
      { version_num: '0001' },
    ]);
    expect(await lastRun()).toMatchObject({ verdict: 'applied', command: 'node', applied: [] });
  }, 120_000);

  it('without exec collide', async () => {
    const { url } = await site();
    const env = { ...process.env, DATABASE_URL: url };
    const failed = await Promise.all(
      PROCESSES.map(() =>
        promisify(execFile)(process.execPath, [MIGRATOR], { env }).then(
          () => false,
          () => true,
        ),
      ),
    );
    expect(failed).toContain(true);
  }, 120_000);
});

describe('a command', () => {
  it('has our input and our output, and its address, run and token in its environment', async () => {
    const { url } = await site();
    const shell = `echo hello | node ${COMMAND} exec --database-url "$URL" -- sh -c 'cat; echo "$DATABASE_URL $LOCKSTEP_TOKEN $PGAPPNAME"'`;
    const { stdout } = await promisify(execFile)('sh', ['-c', shell], {
      env: { PATH: process.env.PATH, URL: url },
    });
    expect(stdout).toMatch(/^hello\npostgres\S+ 1 lockstep #1 \S+\n$/);
    expect(stdout).toContain(`${url} `);
  });

  it('keeps the options behind -- to itself', async () => {
    const { exec } = await site();
    expect(await exec('--', 'sh', '-c', 'echo "$1 $2"', 'sh', '--json', '--help')).toMatchObject({
      exitCode: 0,
      stdout: '--json --help\n',
    });
  });

  it('that fails passes its exit code on, and the run is recorded as failed', async () => {
    const { shell, lastRun, folder, variables } = await site();
    const { exitCode, stdout, stderr } = await shell('echo oops; exit 7', '--json');
    expect(exitCode).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'failed',
      exitCode: 7,
      error: { code: 'LS801', exitCode: 7 },
    });
    expect(stderr).toContain('oops\n');
    expect(await lastRun()).toMatchObject({ verdict: 'failed', error: 'LS801: sh ended with exit code 7.' });
    const status = await lockstep(['status', '--migrations', folder], variables);
    expect(status.stdout).toMatch(/failed: began .*; ran sh; by /);
  });

  it('that a signal ended has the exit code that a shell gives it', async () => {
    const { shell } = await site();
    expect(await shell('kill -9 $$')).toMatchObject({
      exitCode: 137,
      stderr: expect.stringContaining('sh ended by SIGKILL'),
    });
  });

  it('that changes its history has that told, and recorded', async () => {
    const { url, lastRun, variables } = await site();
    const script = `import pg from 'pg'; const c = new pg.Client(process.env.DATABASE_URL); await c.connect();
      await c.query("DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('b')"); await c.end()`;
    await queryRows(
      url,
      `CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('a')`,
    );
    const args = ['exec', '--', process.execPath, '--input-type=module', '-e', script];
    const { exitCode, stdout, stderr } = await lockstep(args, variables);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toContain(
      'Added to public.alembic_version (Alembic): b\nRemoved from public.alembic_version (Alembic): a\n',
    );
    expect((await lastRun()).command).toBe('node (public.alembic_version: added b, removed a)');
  });

  it('has where it began noted, for whoever has to go back there', async () => {
    const { shell, variables } = await site();
    await shell('exit 0');
    const [run] = JSON.parse((await lockstep(['runs', '--json'], variables)).stdout).runs;
    expect(run).toMatchObject({
      restorePoint: null,
      beganAtLsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    });
    const shown = await lockstep(['runs', 'show', run.runId], variables);
    expect(shown.stdout).toContain(`, at ${run.beganAtLsn} of the write-ahead log\n`);
    const plan = await lockstep(['restore', 'plan', run.runId], variables);
    expect(plan).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`recovery_target_lsn=${run.beganAtLsn} `),
    });
  });

  it('that is not there is told as such', async () => {
    const { exec, lastRun } = await site();
    expect(await exec('--', 'no-such-migrator')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^Error LS803: no-such-migrator could not be started/m),
    });
    expect(await lastRun()).toMatchObject({ verdict: 'failed' });
    expect(await exec('--timeout', 'soon')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('LS101'),
    });
    expect(await exec('--timeout', 'soon', '--', 'true')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--timeout soon'),
    });
  });

  it('that is a whole line in one word is refused before anything is recorded, without its password', async () => {
    const { exec, lastRun, url } = await site();
    const { exitCode, stdout, stderr } = await exec('--json', '--', `psql ${url} -c s3cr3t`);
    expect({ exitCode, error: JSON.parse(stdout).error }).toMatchObject({
      exitCode: 2,
      error: { code: 'LS102' },
    });
    expect(stdout + stderr).not.toContain('s3cr3t');
    expect(await lastRun()).toBeNull();
  });

  it('that ends and leaves something running has that ended before the lease is freed', async () => {
    const { shell, folder } = await site();
    expect(await shell(`sleep 300 & echo $! > ${folder}/pid`)).toMatchObject({ exitCode: 0 });
    expect(isAlive(Number(readFileSync(join(folder, 'pid'), 'utf8')))).toBe(false);
  });
});

/** Starts it, and returns when it has written the file `ready`. */
async function running(script: string, ...options: string[]) {
  const { variables, folder, url, lastRun } = await site();
  const whole = `echo begun >> ${folder}/begun; ${script.replaceAll('READY', `touch ${folder}/ready`)}`;
  const started = startLockstep(['exec', ...options, '--', 'sh', '-c', whole], variables);
  await Promise.race([until(() => existsSync(join(folder, 'ready'))), started.ended]);
  const below = descendantsOf(started.child.pid!);
  onTestFinished(() => {
    for (const pid of below.filter(isAlive)) process.kill(pid, 'SIGKILL');
  });
  return {
    ...started,
    variables,
    url,
    lastRun,
    below,
    alive: () => below.filter(isAlive),
    begun: () => readFileSync(join(folder, 'begun'), 'utf8'),
  };
}

/** Nothing of it listens, children included, which inherit what is ignored. */
const STUBBORN = 'trap "" TERM INT; sleep 300 & READY; sleep 301; sleep 302';
const OBEDIENT = 'sleep 300 & READY; wait';

describe('a command that has to end', () => {
  it.each([
    ['SIGINT', OBEDIENT],
    ['SIGTERM', STUBBORN],
  ] as const)('%s ends it with all its children', async (signal, script) => {
    const { child, ended, below, alive, lastRun } = await running(script);
    expect(below.length).toBeGreaterThanOrEqual(2);
    child.kill(signal);
    const { exitCode, stderr } = await ended;
    expect(stderr).toMatch(/^Error LS605: Interrupted: sh was ended\.$/m);
    expect(exitCode).toBe(130);
    await until(() => alive().length === 0);
    expect(await lastRun()).toMatchObject({ verdict: 'failed' });
  });

  it('because its session was ended from outside is ended, children included, and is not repeated', async () => {
    const { ended, alive, begun, variables, lastRun } = await running(STUBBORN);
    await lockstep(['lock', 'release', '--force'], variables);
    const { exitCode, stderr } = await ended;
    expect(stderr).toMatch(/^Error LS802: sh was ended, because the connection to the database was lost/m);
    expect(exitCode).toBe(1);
    await until(() => alive().length === 0);
    expect(begun()).toBe('begun\n');
    expect(await lastRun()).toMatchObject({ verdict: 'failed' });
  });

  it('because its time is over is ended, and recorded as failed', async () => {
    const { ended, alive, lastRun } = await running(OBEDIENT, '--timeout', '2s');
    expect(await ended).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('LS802: sh was ended, because it had not finished after 2 s.'),
    });
    await until(() => alive().length === 0);
    expect((await lastRun()).error).toMatch(/^LS802: /);
  });

  it('does so, too, when Lockstep itself is killed', async () => {
    const { child, alive } = await running(STUBBORN);
    child.kill('SIGKILL');
    await until(() => alive().length === 0);
  });

  it('and when it is told to end at once', async () => {
    const { child, ended, alive } = await running(STUBBORN);
    let told = '';
    child.stderr?.on('data', (chunk) => {
      told += chunk;
    });
    child.kill('SIGINT');
    await until(() => told.includes('Interrupted'));
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 130 });
    await until(() => alive().length === 0);
  });

  it('has its server session ended, which would go on with a statement', async () => {
    const { url, variables } = await site();
    const script = `import pg from 'pg'; const c = new pg.Client(process.env.DATABASE_URL); await c.connect();
      await c.query('SELECT pg_sleep(300)')`;
    const args = ['exec', '--', process.execPath, '--input-type=module', '-e', script];
    const { child, ended } = startLockstep(args, variables);
    const sleeping = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    await until(async () => (await queryRows(url, sleeping)).length > 0);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ exitCode: 130 });
    await until(async () => (await queryRows(url, sleeping)).length === 0);
  });
});
