/**
 * Restore points of the database: which ones, and for which runs. A snapshot brings back everything, but takes minutes
 * and costs its storage; a clone, of Aurora only, comes up in minutes and costs what has changed since; a point in time costs
 * nothing and is there at once, for as long as the database's own
 * continuous backups reach back.
 */
import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { RestorePointMethod, RestorePointWhen } from '../core/restore-point/policy.ts';
import { EnvName } from '../core/workflow/state-name.ts';
import type { ResolvedDatabase, SnapshotSource } from './database.ts';

export interface RestorePointOptions {
  /**
   * 'clone': of an Aurora cluster only.
   * @default 'snapshot'
   */
  readonly method?: RestorePointMethod;
  /**
   * Of snapshots and clones: how many of this target stay, from 1 to 100; of clones at most 13.
   * @default 5; of clones 1
   */
  readonly keep?: number;
  /**
   * Of snapshots and clones: how old they get, in whole days, at least 3.
   * @default no limit
   */
  readonly keepFor?: Duration;
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
  /** Undefined: however old they get. */
  readonly keepFor: Duration | undefined;
  readonly when: RestorePointWhen;
}

/** Undefined: none are taken. */
export function restorePointSettings(
  options: 'none' | RestorePointOptions | undefined,
  { snapshotSource }: ResolvedDatabase,
): RestorePointSettings | undefined {
  if (options === 'none' || snapshotSource === undefined) return undefined;
  const { method = 'snapshot', keepFor, when = 'always' } = options ?? {};
  const { keep = method === 'clone' ? 1 : 5 } = options ?? {};
  return { source: snapshotSource, method, keep, keepFor, when };
}

/** As long as a run may take, its roll-out and its bake time: none of them loses its own. */
const LEAST_DAYS = 3;
/** Of the 15 that share storage: one more is made before the oldest goes, and one may be rehearsed on. */
const MOST_CLONES_KEPT = 13;

const isWholeDays = (value: Duration, least: number): boolean => {
  const days = value.toDays({ integral: false });
  return Number.isInteger(days) && days >= least;
};

/** What is wrong with them. */
export function restorePointProblems(
  options: 'none' | RestorePointOptions | undefined,
  { snapshotSource }: ResolvedDatabase,
): readonly (readonly [boolean, string])[] {
  const { method, keep, keepFor } = options === 'none' || options === undefined ? {} : options;
  return [
    [
      keep !== undefined && !(Number.isInteger(keep) && keep >= 1 && keep <= 100),
      'restorePoint.keep is not a whole number from 1 to 100.',
    ],
    [
      (keep !== undefined || keepFor !== undefined) && method === 'point-in-time',
      'restorePoint.keep and keepFor are for snapshots and clones: how far back a point in time reaches, the database says (backup retention).',
    ],
    [
      keepFor !== undefined && !isWholeDays(keepFor, LEAST_DAYS),
      'restorePoint.keepFor is not a whole number of days, or less than 3.',
    ],
    [
      method === 'clone' && keep !== undefined && keep > MOST_CLONES_KEPT,
      'restorePoint.keep is more than 13: with the next one, and that of a rehearsal, an Aurora cluster has no more clones.',
    ],
    [
      method === 'clone' && snapshotSource?.kind === 'rds-instance',
      "restorePoint.method 'clone' is for Aurora: of an RDS instance take snapshots.",
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
        ...(settings.keepFor ? { [EnvName.restorePointKeepDays]: String(settings.keepFor.toDays()) } : {}),
        [EnvName.restorePointWhen]: settings.when,
      };

/** Once a day, so that those of a target that is seldom deployed go, too. */
export function expireRestorePoints(
  scope: Construct,
  settings: RestorePointSettings | undefined,
  takeRestorePoint: LambdaFunction,
): void {
  if (settings?.keepFor === undefined) return;
  new Rule(scope, 'OldRestorePoints', {
    description: 'Lockstep: deletes restore points that have become too old',
    schedule: Schedule.rate(Duration.days(1)),
    targets: [new LambdaTarget(takeRestorePoint, { event: RuleTargetInput.fromObject({ expire: true }) })],
  });
}
