/**
 * Keeping a lease while SQL runs: renew it, and say at once when it may no longer be ours.
 *
 * Trust is anchored at the *start* of the last renewal that succeeded: watchers may have seen its record
 * version any time after, never before, and may take over durationMs after they saw it. The holder stops
 * trusting the lease a margin earlier, which is the time it has to end its SQL.
 *
 *   renewal starts       next one: durationMs / 3           trust ends                take-over possible
 *   ├───────────────────────┼─────────────────────── … ────────┤── margin ──────────────┤
 *
 * The first renewal is made at once, because the mint may lie some time back; until it succeeds, trust is
 * anchored at the start of the mint, if the caller tells it. A renewal that never returns is no excuse: the
 * end of trust is waited for beside it.
 */
import { type Clock, sleepOrAbort, within } from '../clock.ts';
import { asLockstepError, type LockstepError } from '../errors/index.ts';
import { leaseNotRenewed } from './lease-errors.ts';
import type { Lease, LeaseStore } from './lease-store.ts';

/** Shares of the lease's duration. */
export const RENEW_EVERY = 1 / 3;
const RETRY_AFTER = 1 / 12;
const SAFETY_MARGIN = 1 / 6;

export interface KeepRenewed {
  readonly store: LeaseStore;
  /** With the token of this attempt. */
  readonly lease: Lease;
  readonly clock: Clock;
  /** `clock`'s reading before `mint` was called; default: now, which is later by what the mint took. */
  readonly mintStartedAtMs?: number | undefined;
  /** Called at most once, and not after `stop()`: with LS402, or an error that another try would not mend. */
  readonly onLost: (error: LockstepError) => void;
}

export interface Keeping {
  /** Ends the renewals; returns when none is in flight. Throws only what `onLost` threw. */
  stop(): Promise<void>;
}

type Renewal =
  | { readonly kind: 'renewed' }
  | { readonly kind: 'failed'; readonly error: LockstepError }
  | { readonly kind: 'overdue' };

export function keepRenewed(options: KeepRenewed): Keeping {
  const stopping = new AbortController();
  const ended = keep(options, stopping.signal);
  // What it throws is for the caller of stop(); until then it must not count as unhandled.
  ended.catch(() => undefined);
  return {
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}

async function keep(options: KeepRenewed, stop: AbortSignal): Promise<void> {
  const { store, lease, clock, onLost } = options;
  const trustMs = lease.durationMs * (1 - SAFETY_MARGIN);
  let anchorMs = options.mintStartedAtMs ?? clock.nowMs();
  let lastFailure: LockstepError | undefined;
  for (;;) {
    const startedAtMs = clock.nowMs();
    const renewal = await renewWithin(store, lease, clock, anchorMs + trustMs - startedAtMs);
    if (stop.aborted) return;
    if (renewal.kind === 'renewed') anchorMs = startedAtMs;
    if (renewal.kind === 'failed') lastFailure = renewal.error;
    if (lastFailure && !lastFailure.retryable) return onLost(lastFailure);
    const sinceMs = clock.nowMs() - anchorMs;
    if (renewal.kind === 'overdue' || sinceMs >= trustMs) {
      return onLost(leaseNotRenewed(lease, sinceMs, lastFailure));
    }
    const pauseMs = lease.durationMs * (renewal.kind === 'renewed' ? RENEW_EVERY : RETRY_AFTER);
    await sleepOrAbort(clock, Math.ceil(Math.min(pauseMs, trustMs - sinceMs)), stop);
    if (stop.aborted) return;
  }
}

/** One renewal, or `overdue` when it has not come back within `limitMs`. */
async function renewWithin(store: LeaseStore, lease: Lease, clock: Clock, limitMs: number): Promise<Renewal> {
  const renewal = store.renew(lease).then(
    (): Renewal => ({ kind: 'renewed' }),
    (error: unknown): Renewal => ({ kind: 'failed', error: asLockstepError(error) }),
  );
  const answer = await within(clock, Math.max(0, Math.ceil(limitMs)), renewal);
  return answer === 'late' ? { kind: 'overdue' } : answer;
}
