/** The session of an attempt that the lease has gone on from, and that still holds the advisory lock. */
import {
  commandProgress,
  endSession,
  type LockedBy,
  readFence,
  tokenOf,
} from '../adapters/postgres/index.ts';
import { awaitOrphan, type OrphanAwaited } from '../core/lease/index.ts';
import type { Entering } from './enter.ts';

/** A build that takes longer than this is begun anew: who waits for it may have limits, too. */
const AWAIT_AT_MOST_MS = 300_000;
const TELL_EVERY_MS = 10_000;

/**
 * Told who has the lock, each time that it is not obtained: ends an orphan's session, and gives true when it waits
 * for the orphan instead, because that builds an index. Throws LS306.
 */
export function orphanEnder(entering: Entering, token: number): (holder: LockedBy) => Promise<boolean> {
  const { session, clock, on, timeLeftMs } = entering;
  // Half of the time has to be left for building it once more.
  const budgetMs = Math.min(AWAIT_AT_MOST_MS, timeLeftMs() / 2);
  let awaited: OrphanAwaited | undefined;
  let told = { phase: '', atMs: 0 };
  return async (holder) => {
    if (!(await isOrphan(entering, holder, token))) return false;
    const { pid } = holder;
    const orphan = { pid, token: tokenOf(holder.applicationName) ?? 0 };
    const progress = await commandProgress(session, pid);
    const builds = progress?.command === 'CREATE INDEX CONCURRENTLY';
    const nowMs = clock.nowMs();
    const seen = { builds, isBlocked: (progress?.blockedBy ?? 0) > 0 };
    awaited = awaitOrphan(seen, awaited, nowMs, budgetMs);
    if (progress && awaited) {
      if (progress.phase !== told.phase || nowMs - told.atMs >= TELL_EVERY_MS) {
        told = { phase: progress.phase, atMs: nowMs };
        on({ kind: 'build-awaited', ...orphan, progress });
      }
      return true;
    }
    await endSession(session, holder);
    on({ kind: 'session-ended', ...orphan });
    return false;
  };
}

/**
 * Its name carries a lower token, and so does the fence, if it got as far as that. A session without a token in its
 * name holds the lock in its own right.
 */
async function isOrphan(
  { session }: Entering,
  { pid, backendStart, applicationName }: LockedBy,
  token: number,
): Promise<boolean> {
  const theirs = tokenOf(applicationName);
  if (theirs === undefined || theirs >= token) return false;
  const fence = await readFence(session);
  const entered = fence?.pid === pid && fence.backendStart === backendStart;
  return !entered || fence.token < token;
}
