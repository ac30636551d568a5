import type { StoredRestorePoint } from './restore-point-store.ts';

export interface Keep {
  /** How many complete restore points stay, the current one among them; at least 1. */
  readonly keep: number;
  /** The one of the run that cleans up; null when that is no run. */
  readonly currentId: string | null;
  /** Those that were taken before this time go, however few there are. Milliseconds since 1970; null: no limit. */
  readonly takenBeforeMs: number | null;
}

/**
 * Ids that may be deleted, oldest first. Never the current one, and never one that is not complete: it belongs
 * to another run that waits for it, or somebody uses it.
 */
export function expendable(
  all: readonly StoredRestorePoint[],
  { keep, currentId, takenBeforeMs }: Keep,
): string[] {
  const stay = currentId === null ? keep : keep - 1;
  const isTooOld = ({ createdAtMs }: StoredRestorePoint) =>
    takenBeforeMs !== null && createdAtMs !== null && createdAtMs < takenBeforeMs;
  return all
    .filter((point) => point.complete && point.id !== currentId)
    .sort((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0))
    .filter((point, at) => at >= stay || isTooOld(point))
    .map((point) => point.id)
    .reverse();
}
