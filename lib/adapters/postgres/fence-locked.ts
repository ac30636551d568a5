/** When somebody else has the fence's row locked: who enters waits for a moment, and then says who it is. */
import { LockstepError } from '../../core/errors/index.ts';
import { describeBlockers, LOCK_NOT_AVAILABLE, sqlstateOf } from '../../core/locks/index.ts';
import { lookAtFence } from './blockers.ts';
import type { Session } from './session.ts';

/** A statement before one that locks the row, in the same message: without it, it would wait for ever. */
export const limitWaiting = (ms: number): string =>
  `SELECT pg_catalog.set_config('lock_timeout', '${ms}ms', true);`;

/** Gives the error back as LS611, if it is that the lock was not to be had; throws any other one. */
export async function fenceLocked(session: Session, error: unknown): Promise<LockstepError> {
  if (sqlstateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
  const blockers = await lookAtFence(session);
  return new LockstepError('LS611', {
    what: `The ledger could not be entered: ${blockers.length > 0 ? describeBlockers(blockers) : 'another session'} has its fence locked.`,
    state: 'This run changed nothing in the database.',
    remedy:
      'End that transaction, and run the same command again: nobody but Lockstep should lock or change the schema lockstep.',
    context: { blockerPid: blockers[0]?.pid ?? null },
    cause: error,
  });
}
