/**
 * Acquiring in a workflow: one step per invocation, with nothing in memory between two of them. What the
 * waiter knows travels in the payload, and its clock is the sum of the Wait states between the steps: each
 * lasts at least its seconds and lies between two looks, so that sum never overestimates.
 */
import type { LeaseProgress } from '../workflow/payloads.ts';
import { LEASE_WAIT, nextWaitSeconds } from '../workflow/waiting.ts';
import { leaseNotObtained } from './lease-errors.ts';
import type { AcquireResult, LeaseRecord } from './lease-store.ts';
import { look, mayTakeOver, type Watch } from './watch.ts';

export interface WorkflowAcquire {
  readonly target: string;
  /** As the step before returned it. `waitSeconds` is the Wait that lies between that step and this one. */
  readonly previous: LeaseProgress;
  /** For this execution's holder, with the observed version when the lease is to be taken over. */
  readonly tryAcquire: (takeOver: string | undefined) => Promise<AcquireResult>;
  /**
   * Whether the holder is an execution that is no longer RUNNING, so that nobody need wait for its silence.
   * Has to answer false when it cannot tell.
   */
  readonly holderIsGone: (holder: string) => Promise<boolean>;
  readonly maxWaitSeconds: number;
}

/** `waitedSeconds` counts the Wait states that are over; `waitSeconds` is the next one. Throws LS401, LS404. */
export async function stepWorkflowAcquire(options: WorkflowAcquire): Promise<LeaseProgress> {
  const { previous, tryAcquire } = options;
  const waitedSeconds = previous.waitedSeconds + previous.waitSeconds;
  const obtained = { acquired: true, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds };

  const first = await tryAcquire(undefined);
  if (first.kind === 'acquired') return obtained;
  const watch = look(previous.watch ?? undefined, first.record, previous.waitSeconds * 1000);
  const over = mayTakeOver(watch, first.record) || (await options.holderIsGone(first.record.holder));
  if (!over) return wait(options, first.record, watch, waitedSeconds);

  const second = await tryAcquire(watch.recordVersion);
  if (second.kind === 'acquired') return obtained;
  return wait(options, second.record, look(watch, second.record, 0), waitedSeconds);
}

function wait(
  { target, previous, maxWaitSeconds }: WorkflowAcquire,
  record: LeaseRecord,
  watch: Watch,
  waitedSeconds: number,
): LeaseProgress {
  const heldBy = record.holder;
  const leftSeconds = maxWaitSeconds - waitedSeconds;
  if (leftSeconds <= 0) {
    throw leaseNotObtained({ target, heldBy, waitedMs: waitedSeconds * 1000, silentMs: watch.unchangedMs });
  }
  const waitSeconds = Math.min(nextWaitSeconds(LEASE_WAIT, previous.waitSeconds), Math.ceil(leftSeconds));
  return { acquired: false, heldBy, watch, waitSeconds, waitedSeconds };
}
