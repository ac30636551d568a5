/** The lease's own errors, as people read them. */
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import type { Lease, LeaseRecord } from './lease-store.ts';

const FINISHED_STAY_APPLIED =
  'Migrations that were finished stay applied; one in progress is rolled back, or completed by the next attempt.';
const RUN_AGAIN = 'Run the same command again: it goes on after the last migration that is applied.';

/** Of an operation that needs the lease: somebody else has it, or nobody. */
export const leaseLost = (lease: Lease, found: LeaseRecord | undefined): LockstepError =>
  new LockstepError('LS402', {
    what: `The lease on ${lease.target} was lost: ${whoHasIt(lease, found)}.`,
    state: FINISHED_STAY_APPLIED,
    remedy: RUN_AGAIN,
    context: { target: lease.target, token: lease.token, newestToken: found?.token ?? null },
  });

function whoHasIt(lease: Lease, found: LeaseRecord | undefined): string {
  if (found === undefined || found.state === 'FREE') return 'it was freed';
  if (found.holder === lease.holder) return 'a newer attempt of the same holder has replaced this one';
  return `${found.holder} has taken it over`;
}

/** Of a holder that could not show for too long that it lives: others may take over any moment. */
export const leaseNotRenewed = (lease: Lease, sinceMs: number, cause: unknown): LockstepError =>
  new LockstepError('LS402', {
    what: `The lease on ${lease.target} could not be renewed for ${inSeconds(sinceMs)}.`,
    state: FINISHED_STAY_APPLIED,
    remedy: RUN_AGAIN,
    context: { target: lease.target, token: lease.token },
    cause,
  });

export interface Waited {
  readonly target: string;
  readonly heldBy: string;
  readonly waitedMs: number;
  /** For how long the waiter itself has seen no sign of life of the holder. */
  readonly silentMs: number;
}

export const leaseNotObtained = ({ target, heldBy, waitedMs, silentMs }: Waited): LockstepError =>
  new LockstepError('LS401', {
    what:
      `The lease on ${target} was not obtained within ${inSeconds(waitedMs)}: ` +
      `${heldBy} holds it and has been silent for ${inSeconds(silentMs)}.`,
    state: 'This run changed nothing in the database; the holder may be changing it.',
    remedy:
      'Wait until the holder is done (`lockstep lock status`) and run the same command again; ' +
      'if the holder is gone for good, `lockstep lock release --force` frees the lease at once.',
    context: { target, heldBy, waitedMs: Math.round(waitedMs), silentMs: Math.round(silentMs) },
  });

export const interruptedWhileWaiting = (target: string): LockstepError =>
  new LockstepError('LS605', {
    what: `Interrupted while waiting for the lease on ${target}.`,
    state: 'This run changed nothing in the database.',
    remedy: 'Run the same command again.',
    context: { target },
  });

export const leaseTooBusy = (target: string, tries: number): LockstepError =>
  new LockstepError('LS404', {
    what: `The lease on ${target} was changed by others during each of ${tries} tries to write it.`,
    state: NOTHING_CHANGED,
    remedy: 'Run the same command again.',
    context: { target, tries },
  });

const inSeconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;
