/**
 * Restore points of the database: which ones, and for which runs. A snapshot brings back everything, but takes minutes
 * and costs its storage; a point in time costs nothing and is there at once, for as long as the database's own
 * continuous backups reach back.
 */
import type { RestorePointMethod, RestorePointWhen } from '../core/restore-point/policy.ts';
import { EnvName } from '../core/workflow/state-name.ts';
import type { ResolvedDatabase, SnapshotSource } from './database.ts';

export interface RestorePointOptions {
  /** @default 'snapshot' */
  readonly method?: RestorePointMethod;
  /**
   * Of snapshots: how many of this target stay, from 1 to 100.
   * @default 5
   */
  readonly keep?: number;
  /**
   * Before every run that has something to do, or only if a pending migration has a hazard of class `destructive`.
   * @default 'always'
   */
  readonly when?: RestorePointWhen;
}

/** What is to be taken, and of what. */
export interface RestorePointSettings {
  readonly source: SnapshotSource;
  readonly method: RestorePointMethod;
  readonly keep: number;
  readonly when: RestorePointWhen;
}

/** Undefined: none are taken. */
export function restorePointSettings(
  options: 'none' | RestorePointOptions | undefined,
  { snapshotSource }: ResolvedDatabase,
): RestorePointSettings | undefined {
  if (options === 'none' || snapshotSource === undefined) return undefined;
  const { method = 'snapshot', keep = 5, when = 'always' } = options ?? {};
  return { source: snapshotSource, method, keep, when };
}

/** What is wrong with them. */
export function restorePointProblems(
  options: 'none' | RestorePointOptions | undefined,
  { snapshotSource }: ResolvedDatabase,
): readonly (readonly [boolean, string])[] {
  const { method, keep } = options === 'none' || options === undefined ? {} : options;
  return [
    [
      keep !== undefined && !(Number.isInteger(keep) && keep >= 1 && keep <= 100),
      'restorePoint.keep is not a whole number from 1 to 100.',
    ],
    [
      keep !== undefined && method === 'point-in-time',
      'restorePoint.keep is for snapshots: how far back a point in time reaches, the database says (backup retention).',
    ],
    [
      options !== undefined && options !== 'none' && !snapshotSource,
      "A plain host has no restore points: write restorePoint: 'none', or leave it out.",
    ],
  ];
}

export const restorePointEnvironment = (
  settings: RestorePointSettings | undefined,
): Record<string, string> =>
  settings === undefined
    ? { [EnvName.restorePointKind]: 'none' }
    : {
        [EnvName.restorePointKind]: settings.source.kind,
        [EnvName.restorePointSource]: settings.source.identifier,
        [EnvName.restorePointMethod]: settings.method,
        [EnvName.restorePointKeep]: String(settings.keep),
        [EnvName.restorePointWhen]: settings.when,
      };
