import { LockstepError } from '../errors/index.ts';
import type { Verdict } from './verdict.ts';

/** EventBridge names; docs/events.md has the detail's shape, which is a Verdict. */
export const EVENT_SOURCE = 'lockstep';
export const EventType = { rollOut: 'Lockstep Roll Out', rollBack: 'Lockstep Roll Back' } as const;

/**
 * Port: tells one receiver the verdict. A verdict without a signal (a dry run) tells nothing. Idempotent: the same
 * verdict may be sent again, also to one who has heard it. Throws LS702.
 * Adapters: EventBridgeSignal, SnsSignal, WebhookSignal, StageTransitionSignal, ApprovalSignal, PauseHookSignal,
 * LifecycleHookSignal.
 */
export interface RollOutSignal {
  send(verdict: Verdict): Promise<void>;
}

export interface NotSent {
  /** Who was to be told: `EventBridge`. */
  readonly receiver: string;
  /** What to check before it is tried again. */
  readonly remedy: string;
}

/** LS702, with why: an error, or a sentence without its full stop. */
export function notSent(
  { run, signal, state }: Verdict,
  { receiver, remedy }: NotSent,
  why: unknown,
): LockstepError {
  const reason = why instanceof Error ? `${why.name}: ${why.message}` : String(why);
  return new LockstepError('LS702', {
    what: `The signal ${signal} of run ${run} could not be sent to ${receiver}: ${reason}.`,
    state,
    remedy,
    context: { run },
    cause: why,
  });
}
