/**
 * An online copy of a running server's data folder, by PostgreSQL's own protocol for base backups: a server
 * started on the copy recovers to the moment at which the backup ended.
 * https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
import type { Dirent } from 'node:fs';
import { chown, constants, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import pg from 'pg';
import { serverUser } from './server-user.ts';

/** Files of the running server; they mean nothing to another one. */
const SKIPPED_FILES = ['postmaster.pid', 'postmaster.opts'];
/** Their content is made anew at start; pg_wal is copied last, when it holds all that the backup needs. */
const EMPTIED_FOLDERS = [
  'pg_wal',
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
];

const belongsToServer = (path: string): boolean =>
  SKIPPED_FILES.includes(path) || EMPTIED_FOLDERS.includes(path.split(sep)[0] ?? '');

/** `login` is of a role that may start backups; `destination` has nothing in it. Throws the signal's reason. */
export async function takeBaseBackup(
  login: pg.ClientConfig,
  dataDirectory: string,
  destination: string,
  signal?: AbortSignal,
): Promise<void> {
  const client = new pg.Client({ ...login, application_name: 'lockstep base backup' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Until the session ends the server keeps the log that the backup needs: it is copied last.
    await client.query(
      `SELECT pg_create_physical_replication_slot('lockstep_' || pg_backend_pid(), true, true)`,
    );
    // Both calls on one session: when it ends in between, the server forgets the backup.
    await client.query("SELECT pg_backup_start('lockstep', fast => true)");
    const isSkipped = (path: string) => {
      signal?.throwIfAborted();
      return belongsToServer(path);
    };
    await copyFolder(dataDirectory, destination, isSkipped);
    const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)');
    await copyFolder(join(dataDirectory, 'pg_wal'), join(destination, 'pg_wal'));
    await writeOwned(join(destination, 'backup_label'), rows[0].labelfile);
  } finally {
    await client.end();
  }
}

/** With the server's user as owner. */
export async function copyFolder(
  from: string,
  to: string,
  isSkipped: (path: string) => boolean = () => false,
  path = '',
): Promise<void> {
  await mkdir(join(to, path), { recursive: true, mode: 0o700 });
  await own(join(to, path));
  for (const entry of await entriesOf(join(from, path))) {
    const inside = join(path, entry.name);
    // Of a folder that is to be empty only itself is there.
    if (path !== '' && isSkipped(inside)) continue;
    if (entry.isDirectory()) await copyFolder(from, to, isSkipped, inside);
    else if (!isSkipped(inside)) await copyOwned(join(from, inside), join(to, inside));
  }
}

/** As of one file: those of a database that is dropped in the meantime are not part of the backup. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}

/** A file that the server removed in the meantime is not part of the backup. */
async function copyOwned(source: string, target: string): Promise<void> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    await own(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Readable by the server only. */
export async function writeOwned(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  await own(path);
}

async function own(path: string): Promise<void> {
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}
