/** Watching somebody else's lease: for how long has this watcher seen the same record version? */
import type { LeaseRecord } from './lease-store.ts';

/** Small enough to travel in a workflow's payload. */
export interface Watch {
  readonly recordVersion: string;
  /** Time during which this watcher knows the version unchanged, by its own measure. */
  readonly unchangedMs: number;
}

/**
 * The watch after one more look. `elapsedMs` is time that lies between two readings for certain: it ends with
 * the start of this look, and begins with the end of the look before (or with that look's start, if it found
 * the same version and was not the first to do so). So the watch never overestimates.
 */
export function look(before: Watch | undefined, record: LeaseRecord, elapsedMs: number): Watch {
  const same = before !== undefined && before.recordVersion === record.recordVersion;
  return { recordVersion: record.recordVersion, unchangedMs: same ? before.unchangedMs + elapsedMs : 0 };
}

/** Whether the holder has been silent for the whole duration of its lease. */
export const mayTakeOver = (watch: Watch, record: LeaseRecord): boolean =>
  record.state === 'HELD' &&
  watch.recordVersion === record.recordVersion &&
  watch.unchangedMs >= record.durationMs;
