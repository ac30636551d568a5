/**
 * PostgreSQL: the only party that can give safety. The protocol, in the order in which an attempt goes:
 *
 *   connect          one session, search_path = pg_catalog, timeouts that free a dead client's lock
 *   advisory lock    pg_try_advisory_lock, polled in autocommit; a later message has to find it (pooler?)
 *   ledger           created or upgraded, now that the lock is held
 *   claim            fence row := my token, pid and backend_start, only where the stored token is below mine; with a lease
 *                    in PostgreSQL the first token is that, given only in the session that has the lock
 *   each step        transactional:      one message: BEGIN; fence is mine and ledger row in; the SQL; the row
 *                                        is still in this transaction, lock and login unchanged; COMMIT
 *                    non-transactional:  fence + journal `started`; the statement alone; postcondition read
 *                                        from the catalogs; fence + journal `done` (last step: ledger row)
 *   unlock           by ending the session
 *
 * Invariants
 * - Ledger row and effect are one transaction; the ledger's key (revision, ordinal) gives "at most once".
 * - Exactly the fence's token may write; for statements outside a transaction the fence is the session that
 *   holds the advisory lock, and an older session is ended before a newer attempt goes on.
 * - One connection, no pool, no reconnect: a lost session ends the attempt.
 * - Coordinator SQL is qualified and runs under search_path = pg_catalog; migrations get the login's own path.
 *
 * Who is authoritative: the ledger. What can fail: LS3xx for reaching and using the server, LS403 for a stale
 * attempt, LS6xx for the migrations themselves; PostgreSQL's DETAIL never leaves (it may hold row data).
 */
export { endLostSession, holdsLock, type LockedBy, lockHolder, takeLock } from './advisory-lock.ts';
export { type RunningBackfill, readBackfills, setPaused } from './backfills.ts';
export { type Look, lookAtFence, lookAtLocks, lookAtSession, type Standoff } from './blockers.ts';
export { readDamage, readMissing } from './catalog-damage.ts';
export { type Change, type DownScript, stepSha256 } from './change.ts';
export { clientConfig } from './client-config.ts';
export { type CommandProgress, commandProgress } from './command-progress.ts';
export { configurationError, type DatabaseConfig, databaseConfigFrom, isLocal } from './config.ts';
export { type ConnectOptions, connect } from './connect.ts';
export { advancedSequences, beginDryRun, type DryRun, endDryRun, tryBatches, tryStep } from './dry-run.ts';
export { claim, readFence } from './fence.ts';
export { fenceLocked } from './fence-locked.ts';
export { type ForcedRelease, readLastForcedRelease, recordForcedRelease } from './forced-releases.ts';
export {
  beat,
  leave,
  type NewInstance,
  putInstance,
  readInstances,
  removeInstances,
} from './instances.ts';
export { type AppliedScript, readAppliedScripts, readKeptDowns, readKeptSql } from './kept-scripts.ts';
export {
  type JournalStep,
  readDownScripts,
  readEntries,
  readJournal,
  readLedger,
  readLedgerAgain,
} from './ledger.ts';
export { ensureLedger } from './ledger-schema.ts';
export type { HeldLock, LockRecord } from './lock-record.ts';
export { readSlowest } from './measurements.ts';
export { lookAtOpenSessions, type OpenSessions } from './open-sessions.ts';
export { PostgresLeaseStore } from './postgres-lease-store.ts';
export { messagesOf, PLACEHOLDERS } from './preview.ts';
export { type RepeatableRow, readRepeatableRows } from './repeatables.ts';
export { type KeptRestorePoint, readRestorePoint } from './restore-points.ts';
export { runAlone } from './run-alone.ts';
export { runBatches } from './run-batches.ts';
export { type RunEvent, type RunSummary, readRunEvents, readRunSql, readRuns } from './run-list.ts';
export { runTransactional } from './run-step.ts';
export {
  appliedByRun,
  type EndedRun,
  endRuns,
  finishRun,
  noteCommand,
  readEndedRun,
  readRestorePoints,
  readRun,
  readUnendedRuns,
  settleRun,
  startRun,
} from './runs.ts';
export type { Session } from './session.ts';
export {
  attemptName,
  cancelRunning,
  endSession,
  endSessions,
  idleForMs,
  nameSession,
  tokenOf,
} from './sessions.ts';
export { settleStarted } from './settle-alone.ts';
export { recordRepairs, stampEntries } from './stamp.ts';
export { readClockMs, readConnections, readLoginSettings, readRights } from './surroundings.ts';
