/**
 * PostgreSQL refuses to run as root, so for root it runs as `nobody`. That user has to reach the binaries and the
 * data: every folder above them must be searchable.
 */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';

/** To be spread into the options of `spawn`; empty when the server runs as the user of this process. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** Throws LS102 when the user of this process has no name: initdb insists on one. */
export function serverUser(): ServerUser {
  if (process.getuid?.() === 0) return nobody();
  try {
    userInfo();
    return {};
  } catch (cause) {
    throw new LockstepError('LS102', {
      what: `User ${process.getuid?.()}, who runs this, has no entry in the system's list of users, and PostgreSQL's initdb needs one.`,
      state: NOTHING_CHANGED,
      remedy: 'Run it as root or as a user of /etc/passwd, or give a database with --database-url.',
      cause,
    });
  }
}

function nobody(): Required<ServerUser> {
  const line = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(-?\d+):(-?\d+):/m);
  return { uid: Number(line?.[1] ?? 65_534), gid: Number(line?.[2] ?? 65_534) };
}

/** The nearest folder at or above `path` that the server's user cannot search; undefined when there is none. */
export async function unsearchableFolder(path: string, user: ServerUser): Promise<string | undefined> {
  if (user.uid === undefined) return undefined;
  const { mode, uid } = await stat(path);
  const bit = uid === user.uid ? 0o100 : 0o001;
  if ((mode & bit) === 0) return path;
  const parent = dirname(path);
  return parent === path ? undefined : unsearchableFolder(parent, user);
}
