/**
 * Use cases over the ports: what the command line, the functions and an application's start-up call.
 *
 *   readPlan   look only: no lease, no lock, nothing written
 *   migrate    the whole job of a process: plan → wait for the lease → apply → release
 *   dryRun     the same, tried in a transaction that is rolled back
 *   apply      one attempt under a lease that is held: mint → connect → advisory lock → claim → plan again → steps
 *   exec       a foreign command under the same lease, lock and fence (exec.ts, for those who need it)
 *   repair     brings the ledger's checksums up to edited files; executes nothing
 *   verify     compares the ledger with the catalogs; reads only
 *   examine    reads everything that a diagnosis is made of
 *   revert     the same for down scripts out of the ledger; `revertAll` is the whole job of a process
 *
 * Invariants
 * - Nothing is written unless something is pending; an instance of the app that is ready records itself.
 * - An attempt has one database session for everything; it never reconnects. When the session is lost the
 *   attempt is over and the next one (new token) learns from the ledger what was done.
 * - A lost lease ends the SQL that runs, then the attempt.
 *
 * Who is authoritative: the ledger in the database for what is applied; the lease store for admission; the
 * fence row and the advisory lock for who may write.
 *
 * What can fail: see the catalogue (lib/core/errors); retryable errors end an attempt, and `migrate` makes the
 * next one itself, a workflow does so by Retry.
 */
export { apply } from './apply.ts';
export { type Baselined, baseline } from './baseline.ts';
export { type DryRunResult, dryRun } from './dry-run.ts';
export { type ExamineOptions, examine } from './examine.ts';
export { addInstance, keepHeard, readInstances, removeInstance } from './instances.ts';
export { migrate } from './migrate.ts';
export { endRunSessions, forceReleaseLock, recordRunFailure, stamp } from './operate.ts';
export { type Preview, type PreviewedMigration, previewPlan } from './preview.ts';
export {
  type RunTimeline,
  readHistory,
  readLastRun,
  readMeasuredPlan,
  readPlan,
  readRepeatables,
  readRestorePoint,
  readRunReport,
  readRuns,
  readRunTimeline,
  readSlowestMigrations,
  readStatus,
} from './read.ts';
export {
  type Difference,
  type RefusedEdit,
  type RepairOptions,
  type RepairResult,
  repair,
} from './repair.ts';
export { revert, revertAll } from './revert.ts';
export type * from './types.ts';
export { type VerifyOptions, type VerifyResult, verify } from './verify.ts';
export { type WaitOptions, type WaitResult, waitUntilApplied } from './wait.ts';
export { pauseBackfills, type RunningBackfill, readRunningBackfills } from './watch-backfills.ts';
export { whileConnecting } from './while-connecting.ts';
