/**
 * Where a migration runs that may be too long for a function: here, in the function's next call, or in a task
 * without a limit of minutes. Decided from what its author expects and from what it took in another database.
 */
import type { Migration } from './bundle.ts';
import { migrationName } from './catalog.ts';
import type { Measurement } from './measurement.ts';

/** As many as travel from one environment to the next, the slowest first. */
export const MEASUREMENTS_LIMIT = 20;
/** Shorter ones fit anywhere. */
export const WORTH_MEASURING_MS = 10_000;

/** A measured time is of another database, which may have less data and less load. */
const SAFETY_FACTOR = 2;

/** Undefined when nothing is known; the author's word is taken as it is. */
export function neededMs(migration: Migration, measured: readonly Measurement[]): number | undefined {
  const name = migrationName(migration);
  const times = measured.filter((m) => m.migration === name).map((m) => m.durationMs * SAFETY_FACTOR);
  const { expectedDurationMs } = migration.settings;
  const known = expectedDurationMs === undefined ? times : [...times, expectedDurationMs];
  return known.length === 0 ? undefined : Math.max(...known);
}

export interface Room {
  /** Until this call must have stopped. */
  readonly leftMs: number;
  /** What a whole call has. */
  readonly wholeMs: number;
  /** Whether there are tasks. */
  readonly hasTask: boolean;
  /** Whether this call has not applied anything yet. */
  readonly isFirst: boolean;
}

export type Place = 'here' | 'next-call' | 'task';

/** Without a task, what does not fit is tried in a call of its own: the time needed is only a guess. */
export function placeOf(needed: number | undefined, { leftMs, wholeMs, hasTask, isFirst }: Room): Place {
  if (needed === undefined) return 'here';
  if (hasTask && needed > wholeMs) return 'task';
  return needed > leftMs && !isFirst ? 'next-call' : 'here';
}
