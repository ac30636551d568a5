/** A foreign command that may run only as long as its attempt holds lease, session and lock. */
import { holdsLock } from '../adapters/postgres/index.ts';
import { sleepOrAbort, within } from '../core/clock.ts';
import { asLockstepError } from '../core/errors/index.ts';
import type { CommandEnd, RunningCommand, StopReason } from '../core/foreign/index.ts';
import type { Attempt } from './attempt.ts';

export interface Limits {
  readonly leaseDurationMs: number;
  readonly timeoutMs?: number | undefined;
  readonly onStop: (reason: StopReason) => void;
}

/** What still holds the lease has time for an orderly end. */
const GRACE_MS = 10_000;
/** Share of the lease's duration: half of the margin in which nobody else may have it yet; see core/lease/keep.ts. */
const GRACE_WITHOUT_LEASE = 1 / 12;
/** A session that says nothing for a minute is ended by the server, and by others on the way. */
const LOOK_EVERY_MS = 10_000;

/** How it ended, and why it was told to, if it was. Never rejects. */
export async function guarded(
  attempt: Attempt,
  running: RunningCommand,
  { leaseDurationMs, timeoutMs, onStop }: Limits,
): Promise<{ readonly end: CommandEnd; readonly stopped: StopReason | undefined }> {
  const { signal, session, clock } = attempt;
  const over = new AbortController();
  let stopped: StopReason | undefined;
  const stop = (reason: StopReason) => {
    if (over.signal.aborted) return;
    if (!stopped) onStop(reason);
    // The first reason is told; a later one may leave less time.
    stopped ??= reason;
    running.stop(reason.kind === 'lost' ? leaseDurationMs * GRACE_WITHOUT_LEASE : GRACE_MS);
  };
  whenAborted(signal, over.signal, () => stop(reasonOf(signal.reason)));
  whenAborted(session.lost, over.signal, () => stop(reasonOf(session.lost.reason)));
  const timing = timeoutMs === undefined ? undefined : sleepOrAbort(clock, timeoutMs, over.signal);
  timing?.then(() => stop({ kind: 'out-of-time', limitMs: timeoutMs! }));
  const looking = keepLooking(attempt, over.signal, (error) => stop(reasonOf(error)));
  const end = await running.ended;
  over.abort();
  await Promise.all([timing, looking]);
  return { end, stopped };
}

function whenAborted(signal: AbortSignal, over: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener('abort', then, { signal: over });
}

/** Asks for the lock again and again, which keeps the session alive, too. */
async function keepLooking(
  { session, clock }: Attempt,
  over: AbortSignal,
  onLost: (error: unknown) => void,
): Promise<void> {
  for (;;) {
    await sleepOrAbort(clock, LOOK_EVERY_MS, over);
    if (over.aborted) return;
    try {
      const answer = await within(clock, LOOK_EVERY_MS, holdsLock(session));
      if (!answer) return onLost('its session had no longer the advisory lock.');
      if (answer === 'late') {
        onLost(`its session gave no answer for ${LOOK_EVERY_MS / 1_000} s.`);
        // Whoever uses it next learns at once, not never.
        return session.destroy();
      }
    } catch (error) {
      return onLost(error);
    }
  }
}

function reasonOf(error: unknown): StopReason {
  if (typeof error === 'string') return { kind: 'lost', why: error };
  const { code, what } = asLockstepError(error);
  if (code === 'LS605') return { kind: 'interrupted' };
  return { kind: 'lost', why: what.charAt(0).toLowerCase() + what.slice(1) };
}
