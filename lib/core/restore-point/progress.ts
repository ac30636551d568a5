/** Waiting for a restore point across invocations: what is known travels in the workflow's payload. */
import type { RestorePointProgress } from '../workflow/payloads.ts';
import { nextWaitSeconds, RESTORE_POINT_WAIT } from '../workflow/waiting.ts';
import { type RestorePointState, restorePointError } from './restore-point-store.ts';

/**
 * The first snapshot of a large database takes hours, later ones minutes. With waits of half a minute, four
 * hours are about 4,400 events of an execution's 25,000 (docs/cost.md).
 */
export const RESTORE_POINT_BUDGET_SECONDS = 4 * 3600;

/** `waitedSeconds` counts the Wait states that are over; `waitSeconds` is the next one. Throws LS701. */
export function stepRestorePoint(
  previous: RestorePointProgress,
  id: string,
  state: RestorePointState,
): RestorePointProgress {
  const waitedSeconds = previous.waitedSeconds + previous.waitSeconds;
  if (state.kind === 'available')
    return { ...previous, status: 'available', id, waitSeconds: 0, waitedSeconds };
  if (waitedSeconds >= RESTORE_POINT_BUDGET_SECONDS) throw tookTooLong(id, state, waitedSeconds);
  const waitSeconds = nextWaitSeconds(RESTORE_POINT_WAIT, previous.waitSeconds);
  const status = state.kind === 'creating' ? 'creating' : 'requested';
  return { ...previous, status, id, waitSeconds, waitedSeconds };
}

function tookTooLong(id: string, state: RestorePointState, waitedSeconds: number) {
  const why =
    state.kind === 'database-busy'
      ? `the database has been ${state.databaseState}`
      : 'it is still being created';
  return restorePointError(
    `The restore point ${id} is not available after ${Math.round(waitedSeconds / 60)} minutes: ${why}.`,
    'Look at it and at the database in the RDS console, and start the run again when the database is available.',
  );
}
