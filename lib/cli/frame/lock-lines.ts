/** Who holds what, in a line each: `status` and `lock status` say it alike. */
import type { LeaseRecord } from '../../core/lease/index.ts';
import { describeBlockers } from '../../core/locks/index.ts';
import type {
  CommandProgress,
  DatabaseStatus,
  ForcedRelease,
  HeldLock,
  LockHolder,
  Standoff,
} from '../../engine/types.ts';
import { count, duration } from './format.ts';

export function leaseLine(lease: LeaseRecord | undefined): string {
  if (!lease) return 'free, and was never held';
  if (lease.state === 'FREE') return `free, last token ${lease.token}`;
  return `held by ${lease.holder}, token ${lease.token}, taken over after ${duration(lease.durationMs)} of silence`;
}

export function lockLine(lock: LockHolder | null): string {
  if (!lock) return 'free';
  const { pid, applicationName, state, connectedAt, queryAgeMs } = lock;
  return `held by session ${pid} (${applicationName}), ${state} for ${duration(queryAgeMs)}, connected since ${connectedAt}`;
}

export function forcedLine({ at, releasedBy, login, freedFrom, endedSession }: ForcedRelease): string {
  const from = freedFrom === null ? 'nobody' : freedFrom;
  const ended = endedSession ? `, whose session ${endedSession.pid} was ended` : '';
  return `last released ${at} by ${releasedBy} (login ${login}), from ${from}${ended}`;
}

/** What the server says of a long command. */
export function progressLine({ command, phase, share, blockedBy }: CommandProgress): string {
  const done = share === null ? '' : `, ${Math.round(share * 100)} %`;
  const blocked = blockedBy === 0 ? '' : `; waits for ${count(blockedBy, 'session')}`;
  return `${command === null ? '' : `${command}, `}${phase}${done}${blocked}`;
}

/** What stands between the session at work and others, a line each; none when nobody waits for anybody. */
export function standoffLines(standoff: Standoff | null): string[][] {
  if (!standoff) return [];
  const { blockedBy, blocks } = standoff;
  return [
    ...(blockedBy.length > 0 ? [['Blocked by', describeBlockers(blockedBy)]] : []),
    ...(blocks.sessions > 0
      ? [['Blocks', `${count(blocks.sessions, 'session')}, the longest for ${duration(blocks.longestMs)}`]]
      : []),
  ];
}

/** To look who is in the way takes a moment, too. */
const WORTH_TELLING_MS = 100;

/** `ACCESS EXCLUSIVE on app.orders for at most 12 ms (waited 3.1 s, 2 tries)` */
export function heldLockLine({ mode, relation, heldMs, waitedMs, tries }: HeldLock): string {
  const waited =
    tries > 1 || waitedMs >= WORTH_TELLING_MS
      ? ` (waited ${duration(waitedMs)}, ${tries === 1 ? '1 try' : `${tries} tries`})`
      : '';
  return `${mode} on ${relation} for at most ${duration(heldMs)}${waited}`;
}

/** Whoever is at work now, as a sentence names it. */
export function heldBy({ lease, lock }: Pick<DatabaseStatus, 'lease' | 'lock'>): string | undefined {
  if (lock) return `session ${lock.pid} (${lock.applicationName})`;
  return lease?.state === 'HELD' ? lease.holder : undefined;
}
