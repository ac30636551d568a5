/**
 * What is done about a session that an older attempt left behind and that still holds the advisory lock. The newer
 * attempt may end it at once, and then its statement is lost. An index that is being built is worth waiting for, as
 * long as the server works on it: hours of work may be in it, and when it is valid nobody builds it again.
 */
export interface OrphanSeen {
  /** It builds an index that counts once it is valid. */
  readonly builds: boolean;
  /** It waits for others, and does not get on. */
  readonly isBlocked: boolean;
}

/** Since when it is awaited, and when it was last seen at work; by one clock. */
export interface OrphanAwaited {
  readonly sinceMs: number;
  readonly workedMs: number;
}

/** A build has to wait for a moment now and then. */
const BLOCKED_AT_MOST_MS = 3_000;

/** Undefined when its session is to be ended. */
export function awaitOrphan(
  seen: OrphanSeen,
  before: OrphanAwaited | undefined,
  nowMs: number,
  budgetMs: number,
): OrphanAwaited | undefined {
  if (!seen.builds) return undefined;
  const { sinceMs, workedMs } = before ?? { sinceMs: nowMs, workedMs: nowMs };
  const isOver = nowMs - sinceMs >= budgetMs;
  if (isOver || (seen.isBlocked && nowMs - workedMs >= BLOCKED_AT_MOST_MS)) return undefined;
  return { sinceMs, workedMs: seen.isBlocked ? workedMs : nowMs };
}
