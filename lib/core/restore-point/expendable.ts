import type { StoredRestorePoint } from './restore-point-store.ts';

export interface Keep {
  /** How many complete restore points stay, the current one among them; at least 1. */
  readonly keep: number;
  /** The one of the run that cleans up. */
  readonly currentId: string;
}

/**
 * Ids that may be deleted, oldest first. Never the current one, and never one that is not complete: it belongs
 * to another run that waits for it.
 */
export function expendable(all: readonly StoredRestorePoint[], { keep, currentId }: Keep): string[] {
  const others = all
    .filter((point) => point.complete && point.id !== currentId)
    .sort((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0));
  return others
    .slice(Math.max(0, keep - 1))
    .map((point) => point.id)
    .reverse();
}
