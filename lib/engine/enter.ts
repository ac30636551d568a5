/** How an attempt with a session of its own gets into the database: the advisory lock, then the fence. */
import {
  claim,
  ensureLedger,
  fenceLocked,
  readFence,
  type Session,
  takeLock,
} from '../adapters/postgres/index.ts';
import { type Clock, sleepOrAbort } from '../core/clock.ts';
import { LockstepError } from '../core/errors/index.ts';
import type { Lease } from '../core/lease/index.ts';
import { patiently } from '../core/locks/index.ts';
import { orphanEnder } from './orphan.ts';
import type { Observer } from './types.ts';

/** Who holds the lease finds the lock free, or with a session that is left over and ends when it is told to. */
const LOCK_WAIT_MS = 60_000;

export interface Entering {
  readonly session: Session;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly on: Observer;
  readonly timeLeftMs: () => number;
}

/** Throws LS304, LS306, LS401, and the signal's reason. */
export async function lockDatabase(
  entering: Entering,
  token: number,
  applicationName: string,
): Promise<void> {
  const { session, clock, signal, on, timeLeftMs } = entering;
  await takeLock({
    session,
    applicationName,
    clock,
    signal,
    budgetMs: Math.min(LOCK_WAIT_MS, timeLeftMs()),
    onWait: (holder, waitedMs) => on({ kind: 'waiting', heldBy: holder.applicationName, waitedMs }),
    endOrphan: orphanEnder(entering, token),
  });
}

/**
 * Claims the fence. A database that others migrated under another lease may have a token as high as this one: then
 * one above it is minted, once. Throws LS402 when the lease is not held any more, LS403, LS611.
 */
export async function claimDatabase(
  claiming: Claiming,
  lease: Lease,
  mintAbove: (floor: number) => Promise<Lease>,
): Promise<void> {
  const { session } = claiming;
  await ensureLedger(session).whenMade;
  if (await claimFence(claiming, lease)) return;
  const fence = await readFence(session);
  if (await claimFence(claiming, await mintAbove(fence?.token ?? 0))) return;
  throw new LockstepError('LS403', {
    what: 'A newer attempt has claimed this database.',
    state: 'This attempt changed nothing.',
    remedy: 'Nothing is to be done: the newer attempt finishes the work.',
    context: { token: lease.token },
  });
}

type Claiming = Pick<Entering, 'session' | 'clock' | 'signal'> & {
  /** For how long others may have the fence locked. */
  readonly lockWaitMs: number;
};

async function claimFence(claiming: Claiming, { token, holder, durationMs }: Lease): Promise<boolean> {
  const { session, clock, signal, lockWaitMs } = claiming;
  const patience = {
    lockWaitMs,
    nowMs: () => clock.nowMs(),
    random: () => clock.random(),
    sleep: (ms: number) => sleepOrAbort(clock, ms, signal),
    throwIfEnded: () => signal.throwIfAborted(),
    hasTime: () => true,
  };
  const send = () => claim(session, { token, holder, leaseMs: durationMs });
  try {
    return (await patiently(patience, send)).result;
  } catch (error) {
    throw await fenceLocked(session, error);
  }
}
