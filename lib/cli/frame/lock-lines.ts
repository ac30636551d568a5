/** Who holds what, in a line each: `status` and `lock status` say it alike. */
import type { LeaseRecord } from '../../core/lease/index.ts';
import type { CommandProgress, DatabaseStatus, LockHolder } from '../../engine/types.ts';
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

/** What the server says of a long command. */
export function progressLine({ command, phase, share, blockedBy }: CommandProgress): string {
  const done = share === null ? '' : `, ${Math.round(share * 100)} %`;
  const blocked = blockedBy === 0 ? '' : `; waits for ${count(blockedBy, 'session')}`;
  return `${command === null ? '' : `${command}, `}${phase}${done}${blocked}`;
}

/** Whoever is at work now, as a sentence names it. */
export function heldBy({ lease, lock }: Pick<DatabaseStatus, 'lease' | 'lock'>): string | undefined {
  if (lock) return `session ${lock.pid} (${lock.applicationName})`;
  return lease?.state === 'HELD' ? lease.holder : undefined;
}
