/**
 * Bringing a restore point back after a roll-out that was unhealthy, across invocations: a person is asked first, then a
 * new database is made, and what is known travels in the state machine's data. Nothing here touches the old database.
 */
import * as z from 'zod';
import { nextWaitSeconds, RESTORE_POINT_WAIT } from '../workflow/waiting.ts';
import { RESTORE_POINT_BUDGET_SECONDS } from './progress.ts';
import { type RestorationState, restorationError } from './restoration-store.ts';

export const restorationSchema = z.object({
  /**
   * `none`: there is nothing to bring back. `asking`: a person is to be asked, or has been. `restoring`: somebody has
   * approved. The last two are how it ended.
   */
  status: z.enum(['unasked', 'none', 'asking', 'restoring', 'restored', 'not-restored']),
  waitSeconds: z.number().int().nonnegative(),
  /** Since somebody approved. */
  waitedSeconds: z.number().int().nonnegative(),
  /** The message, up to the task token and behind it. */
  request: z.object({ subject: z.string(), before: z.string(), after: z.string() }).optional(),
  /** What came with SendTaskSuccess: any JSON. */
  answer: z.unknown().optional(),
  /** What Catch puts there: of SendTaskFailure, of the time-out, or of a request that could not be sent. */
  failure: z.object({ Error: z.string(), Cause: z.string().optional() }).optional(),
});
export type Restoration = z.infer<typeof restorationSchema>;

export const UNASKED: Restoration = { status: 'unasked', waitSeconds: 0, waitedSeconds: 0 };

/** As of a restore point that is taken: hours for a large database. */
export const RESTORATION_BUDGET_SECONDS = RESTORE_POINT_BUDGET_SECONDS;

/** `waitedSeconds` counts the Wait states that are over; `waitSeconds` is the next one. Throws LS751. */
export function stepRestoration(previous: Restoration, id: string, state: RestorationState): Restoration {
  const waitedSeconds = previous.waitedSeconds + previous.waitSeconds;
  if (state.kind === 'available') return { status: 'restored', waitSeconds: 0, waitedSeconds };
  if (waitedSeconds >= RESTORATION_BUDGET_SECONDS) {
    throw restorationError(
      `${id} is not available after ${Math.round(waitedSeconds / 60)} minutes.`,
      'Look at it in the RDS console: it may be about to be, and nobody removes it.',
    );
  }
  const waitSeconds = nextWaitSeconds(RESTORE_POINT_WAIT, previous.waitSeconds);
  return { status: 'restoring', waitSeconds, waitedSeconds };
}
