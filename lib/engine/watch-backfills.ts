import { type RunningBackfill, readBackfills, setPaused } from '../adapters/postgres/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import { LOOK, withSession } from './open-session.ts';
import type { EngineContext } from './types.ts';

export type { RunningBackfill };

/** Back-fills that have begun and have not ended. Throws LS3xx. */
export const readRunningBackfills = (context: EngineContext): Promise<readonly RunningBackfill[]> =>
  withSession(context, LOOK, readBackfills);

/**
 * Makes back-fills wait between two batches, or go on; all that are under way, or one. It holds for whoever runs
 * them, also later. Gives their revisions. Throws LS504 when there is none, LS3xx.
 */
export async function pauseBackfills(
  context: EngineContext,
  paused: boolean,
  revision?: string,
): Promise<readonly string[]> {
  const found = await withSession(context, LOOK, (session) => setPaused(session, paused, revision));
  if (found.length > 0) return found;
  throw new LockstepError('LS504', {
    what: revision === undefined ? 'No back-fill is under way.' : `No back-fill ${revision} is under way.`,
    state: NOTHING_CHANGED,
    remedy:
      '`lockstep backfill status` lists those that are; one that has not begun can only be left out of the run.',
  });
}
