/**
 * A folder for all that one run of the local runtime writes, and the removal of what killed runs left behind.
 *
 * `<temporary folder>/lockstep-<uid>/run-<namespace>-<pid>-<identity>-<random>/`: the name says who owns it, so
 * there is no moment in which a folder exists and its owner is not known. A folder is removed by its owner, or
 * by a later run once the owner is certainly gone; a server that still runs in it is stopped first.
 */
import { randomBytes } from 'node:crypto';
import { access, chmod, constants, lstat, mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import { commandLine, processIdentity, processNamespace } from './process-identity.ts';
import { type ServerUser, serverUser, unsearchableFolder } from './server-user.ts';

const PREFIX = 'run';
/** The PostgreSQL server of a run keeps its data in this subfolder. */
export const DATA_FOLDER = 'data';

export interface RunDirectory {
  readonly path: string;
  /** Pids of servers left behind by killed runs, which were stopped. */
  readonly reaped: readonly number[];
  remove(): Promise<void>;
}

/** Throws LS102 when no temporary folder can be used. */
export async function createRunDirectory(): Promise<RunDirectory> {
  const root = await findRoot(serverUser());
  const reaped = await reapRuns(root);
  const owner = `${processNamespace()}-${process.pid}-${processIdentity(process.pid)}`;
  const path = join(root, `${PREFIX}-${owner}-${randomBytes(4).toString('hex')}`);
  // Recursive, because a run that ends at this moment removes the root when it is empty.
  await mkdir(path, { recursive: true });
  await openToSearch(root, path);
  const remove = async () => {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    await rmdir(root).catch(() => undefined);
  };
  return { path, reaped, remove };
}

/** Whatever the umask of this process is. */
async function openToSearch(...folders: string[]): Promise<void> {
  for (const folder of folders) await chmod(folder, 0o755);
}

async function findRoot(user: ServerUser): Promise<string> {
  const reasons: string[] = [];
  for (const temporary of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const root = join(temporary, `lockstep-${process.getuid?.() ?? 'user'}`);
    const reason = await whyNot(temporary, root, user).catch((error: Error) => error.message);
    if (reason === undefined) return root;
    reasons.push(reason);
  }
  throw new LockstepError('LS102', {
    what: `No temporary folder can hold a local PostgreSQL server: ${reasons.join('; ')}.`,
    state: NOTHING_CHANGED,
    remedy: 'Set TMPDIR to a folder that every user may search (mode 0755 or 1777), or run as a plain user.',
  });
}

async function whyNot(temporary: string, root: string, user: ServerUser): Promise<string | undefined> {
  await access(temporary, constants.W_OK | constants.X_OK);
  const closed = await unsearchableFolder(temporary, user);
  if (closed !== undefined) return `${closed} is closed to the user that the server runs as`;
  await mkdir(root, { recursive: true });
  const { uid, mode } = await lstat(root);
  const isOurs =
    (await lstat(root)).isDirectory() && uid === (process.getuid?.() ?? uid) && (mode & 0o022) === 0;
  return isOurs ? undefined : `${root} belongs to someone else`;
}

async function reapRuns(root: string): Promise<number[]> {
  const reaped: number[] = [];
  // The root is gone when another run that ends was the last one in it.
  for (const name of await readdir(root).catch(() => [])) {
    const [prefix, namespace, pid, identity] = name.split('-');
    if (prefix !== PREFIX || namespace !== processNamespace()) continue;
    if (processIdentity(Number(pid)) === identity) continue;
    const server = await stopServerIn(join(root, name, DATA_FOLDER));
    if (server !== undefined) reaped.push(server);
    await rm(join(root, name), { recursive: true, force: true, maxRetries: 3 });
  }
  return reaped;
}

/** Stops the server whose data folder this is, if its process says so itself. Its data is not wanted any more. */
async function stopServerIn(dataDirectory: string): Promise<number | undefined> {
  const pidFile = await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(pidFile.split('\n')[0]);
  if (!(pid > 1) || !commandLine(pid)?.includes(dataDirectory)) return undefined;
  process.kill(pid, 'SIGQUIT');
  const isRunning = () => processIdentity(pid) !== undefined;
  for (let waitedMs = 0; isRunning() && waitedMs < 5000; waitedMs += 20) await sleep(20);
  if (isRunning()) process.kill(pid, 'SIGKILL');
  return pid;
}
