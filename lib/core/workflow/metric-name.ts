/**
 * Metrics that the functions emit, as data: namespace `Lockstep`, one dimension, `target`. Alarms and dashboard
 * take their names from here.
 */
export const METRIC_NAMESPACE = 'Lockstep';
export const METRIC_DIMENSION = 'target';

export const Metric = {
  /** Seconds that a run waited for the lease, once it has it or gives up. */
  leaseWaitSeconds: 'LeaseWaitSeconds',
  /** Seconds that a run waited for its restore point. */
  restorePointWaitSeconds: 'RestorePointWaitSeconds',
  /** Restore points that a clean-up could not delete, or 1 when it could not list them. */
  restorePointPruneFailures: 'RestorePointPruneFailures',
  /** Migrations that a plan found pending; 0 for a run with nothing to do. */
  migrationsPending: 'MigrationsPending',
  /** 1 for a plan that found nothing to do, 0 for another one: the average is the share of such runs. */
  plansWithNothingToDo: 'PlansWithNothingToDo',
  /** Milliseconds that another session has waited for locks of a migration that runs; only from one second on. */
  blockedMilliseconds: 'BlockedMilliseconds',
  /** How far a back-fill is, of the keys that the server estimates. */
  backfillPercent: 'BackfillPercent',
  /** Migrations applied by one invocation. */
  migrationsApplied: 'MigrationsApplied',
  /** Migrations that a failed run applied and reverted again. */
  migrationsReverted: 'MigrationsReverted',
  /** 1 per run that ends in a failed verdict. */
  runsFailed: 'RunsFailed',
  /** 1 for each run whose report could not be kept. */
  reportsNotKept: 'ReportsNotKept',
  /** Database sessions of a stopped run that the clean-up ended. */
  sessionsEnded: 'SessionsEnded',
} as const;
export type Metric = (typeof Metric)[keyof typeof Metric];
