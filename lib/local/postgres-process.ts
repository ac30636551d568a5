/** The processes behind a local server: initdb, and postgres from its start to its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type { ServerUser } from './server-user.ts';

export const SUPERUSER = 'postgres';

export type ServerSettings = Readonly<Record<string, string | number>>;

/** Makes a new cluster in `directory`. Throws LS901 with initdb's words. */
export async function initializeCluster(
  initdb: string,
  directory: string,
  password: string,
  user: ServerUser,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const passwordFile = join(dirname(directory), `password-${randomBytes(4).toString('hex')}`);
  await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
  try {
    if (user.uid !== undefined && user.gid !== undefined) {
      await chown(directory, user.uid, user.gid);
      await chown(passwordFile, user.uid, user.gid);
    }
    const fixed = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', '--no-sync', '--no-instructions'];
    const given = [`--pgdata=${directory}`, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`];
    await runProgram(initdb, [...fixed, ...given], user, directory);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** PG* variables of the caller would be taken as settings, so the programs get none of its environment. */
const environment = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' };

async function runProgram(program: string, args: string[], user: ServerUser, cwd: string): Promise<void> {
  const child = spawn(program, args, { ...user, cwd, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw notStarted(errors);
}

/** Started and ready for connections, and in a session of its own. Throws LS901 with the end of its log. */
export async function startPostgres(
  postgres: string,
  directory: string,
  port: number,
  settings: ServerSettings,
  user: ServerUser,
): Promise<ChildProcess> {
  const fixed = { listen_addresses: '127.0.0.1', unix_socket_directories: '', port };
  const args = Object.entries({ ...settings, ...fixed }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const logFile = join(dirname(directory), 'postgres.log');
  const log = await open(logFile, 'w');
  const child = spawn(postgres, ['-D', directory, ...args], {
    ...user,
    cwd: directory,
    env: environment,
    // A file, not a pipe: the server must not stumble when its owner is killed.
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', async () => reject(notStarted(await readFile(logFile, 'utf8').catch(() => ''))));
  });
  try {
    await Promise.race([failed, untilReady(directory, child)]);
  } finally {
    await log.close();
  }
  failed.catch(() => undefined);
  child.unref();
  return child;
}

/** The last line of postmaster.pid is what pg_ctl looks at, too. */
async function untilReady(directory: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const lines = (await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return;
    await sleep(10);
  }
}

/** Ends all sessions and the server; at once when it takes too long. */
export async function endPostgres(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  const impatient = setTimeout(() => child.kill('SIGQUIT'), 5000);
  await exited;
  clearTimeout(impatient);
}

const notStarted = (log: string): LockstepError =>
  new LockstepError('LS901', {
    what: `The local PostgreSQL server does not start: ${log.trim().split('\n').slice(-8).join(' / ')}.`,
    state: NOTHING_CHANGED,
    remedy: 'Look at the last lines of its log above; free memory and disk space are the usual causes.',
  });
