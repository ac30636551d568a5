/** Waiting for a copy across invocations: what is known travels in the workflow's payload. */
import * as z from 'zod';
import { nextWaitSeconds, RESTORE_POINT_WAIT } from '../workflow/waiting.ts';
import { type CopyState, copyError } from './copy-store.ts';

export const copyProgressSchema = z.object({
  status: z.enum(['creating', 'ready']),
  id: z.string(),
  /** Of one that is ready. */
  host: z.string().nullable(),
  port: z.number().int().nullable(),
  waitSeconds: z.number().int().nonnegative(),
  waitedSeconds: z.number().int().nonnegative(),
});
export type CopyProgress = z.infer<typeof copyProgressSchema>;

/** A clone takes minutes, the restore of a large instance longer. With waits of half a minute, about 2,200 events of 25,000. */
export const COPY_BUDGET_SECONDS = 2 * 3600;

/** Of one run: each one more is needed because somebody migrated the database meanwhile. */
export const MOST_COPIES = 3;

export const noCopy = (id: string): CopyProgress => ({
  status: 'creating',
  id,
  host: null,
  port: null,
  waitSeconds: 0,
  waitedSeconds: 0,
});

/** `waitedSeconds` counts the Wait states that are over; `waitSeconds` is the next one. Throws LS740. */
export function stepCopy(previous: CopyProgress, state: CopyState): CopyProgress {
  const waitedSeconds = previous.waitedSeconds + previous.waitSeconds;
  if (state.kind === 'ready') {
    const { host, port } = state;
    return { ...previous, status: 'ready', host, port, waitSeconds: 0, waitedSeconds };
  }
  if (waitedSeconds >= COPY_BUDGET_SECONDS) {
    throw copyError(
      `The copy ${previous.id} is not ready after ${Math.round(waitedSeconds / 60)} minutes.`,
      'Look at it and at the database in the RDS console, and start the run again.',
    );
  }
  const waitSeconds = nextWaitSeconds(RESTORE_POINT_WAIT, previous.waitSeconds);
  return { ...previous, waitSeconds, waitedSeconds };
}
