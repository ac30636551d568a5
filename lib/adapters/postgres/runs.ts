/** One row per run: who ran, with which bundle, how it ended. For people and for the verdict. */

import type { HistoryChange } from '../../core/foreign/index.ts';
import type { RunFacts, RunVerdict } from '../../core/report/run.ts';
import type { RestoreRecord } from '../../core/restore-point/index.ts';
import { HELD_LOCKS, type HeldLock } from './lock-record.ts';
import type { Session } from './session.ts';
import { isoTime, literal } from './sql.ts';

export interface LedgerRun extends RunFacts {
  /** What it applied, in order, also what was reverted since. */
  readonly applied: readonly string[];
  /** Strong locks that its migrations held, with the migration's name. */
  readonly locks: readonly (HeldLock & { readonly migration: string })[];
}

/** Columns of a run `r` that make RunFacts. */
export const RUN_FACTS = `r.run_id AS "runId", r.holder, ${isoTime('r.started_at')} AS "startedAt", ${isoTime('r.finished_at')} AS "finishedAt",
  r.verdict, r.restore_point AS "restorePoint", r.began_at_lsn AS "beganAtLsn", r.error, r.forced, r.command, r.histories`;

const RUN = `${RUN_FACTS},
  COALESCE((SELECT pg_catalog.json_agg(a.name ORDER BY a.id) FROM (
      SELECT e.id, e.written_as || '_' || e.slug AS name FROM lockstep.entry e
        WHERE e.run_id = r.run_id AND e.kind = 'applied'
      UNION ALL SELECT o.id, 'R_' || o.name FROM lockstep.repeatable o WHERE o.run_id = r.run_id) a), '[]') AS applied,
  COALESCE((SELECT pg_catalog.json_agg(held.lock::pg_catalog.jsonb || pg_catalog.jsonb_build_object('migration', e.written_as || '_' || e.slug)
      ORDER BY e.id)
    FROM lockstep.entry e, pg_catalog.json_array_elements(${HELD_LOCKS}) held(lock) WHERE e.run_id = r.run_id), '[]') AS locks`;

/** The run with this id, or without one the run that began last; null if there is none. Throws LS3xx. */
export async function readRun(session: Session, runId?: string): Promise<LedgerRun | null> {
  const where = runId === undefined ? '' : `WHERE r.run_id = ${literal(runId)}`;
  const rows = await session.queryLedger(
    `SELECT pg_catalog.row_to_json(x) AS run FROM (SELECT ${RUN} FROM lockstep.run r ${where} ORDER BY r.started_at DESC LIMIT 1) x`,
  );
  const json = rows?.[0]?.run;
  return json ? (JSON.parse(json) as LedgerRun) : null;
}

/** Those that are recorded as running, oldest first. Throws LS3xx. */
export async function readUnendedRuns(
  session: Session,
): Promise<readonly Pick<LedgerRun, 'runId' | 'holder' | 'startedAt'>[]> {
  const rows = await session.queryLedger(
    `SELECT r.run_id, r.holder, ${isoTime('r.started_at')} AS started_at FROM lockstep.run r
     WHERE r.finished_at IS NULL ORDER BY r.started_at`,
  );
  return (rows ?? []).map((row) => ({
    runId: row.run_id ?? '',
    holder: row.holder ?? '',
    startedAt: row.started_at ?? '',
  }));
}

/** The ids of the entries by which a run applied something, also of what was repaired or reverted since. */
export async function appliedByRun(session: Session, runId: string): Promise<ReadonlySet<string>> {
  const rows = await session.queryLedger(
    `SELECT e.id FROM lockstep.entry e WHERE e.run_id = ${literal(runId)} AND e.kind = 'applied'`,
  );
  return new Set((rows ?? []).map((row) => row.id ?? ''));
}

/** The restore points of the runs that wrote these entries, as far as they have one. */
export async function readRestorePoints(
  session: Session,
  entryIds: readonly string[],
): Promise<readonly { readonly runId: string; readonly restorePoint: string }[]> {
  const rows = await session.query(
    `SELECT DISTINCT r.run_id, r.restore_point FROM lockstep.run r JOIN lockstep.entry e ON e.run_id = r.run_id
     WHERE r.restore_point IS NOT NULL AND e.id IN (${entryIds.map(literal).join(', ')}) ORDER BY r.run_id`,
  );
  return rows.map((row) => ({ runId: row.run_id ?? '', restorePoint: row.restore_point ?? '' }));
}

export interface NewRun {
  readonly runId: string;
  readonly holder: string;
  readonly token: number;
  readonly bundleDigest: string;
  readonly restorePoint: string | null;
  readonly restoreRecord?: RestoreRecord | undefined;
  readonly forced?: string | null;
  readonly command?: string | null;
}

/** Begins the run, or goes on with it. Runs of others that never ended have failed: this one has the lock. */
export async function startRun(session: Session, run: NewRun): Promise<void> {
  const { runId, holder, token, bundleDigest, restorePoint, forced = null, command = null } = run;
  const record = run.restoreRecord ? JSON.stringify(run.restoreRecord) : null;
  const others = `r.run_id <> ${literal(runId)}`;
  await session.query(`${endUnfinished(others, 'it ended without a word, and another run has taken over')};
    INSERT INTO lockstep.run (run_id, holder, token, bundle_digest, restore_point, restore_record, forced, command, verdict)
    VALUES (${[runId, holder, token, bundleDigest, restorePoint, record, forced, command].map(literal).join(', ')}, 'running')
    ON CONFLICT (run_id) DO UPDATE SET token = EXCLUDED.token, verdict = 'running', finished_at = NULL,
      restore_point = COALESCE(EXCLUDED.restore_point, lockstep.run.restore_point),
      restore_record = COALESCE(EXCLUDED.restore_record, lockstep.run.restore_record),
      forced = COALESCE(EXCLUDED.forced, lockstep.run.forced)`);
}

/**
 * Ends a run of which everything is applied, if it is still recorded as running: the attempt that made the last commit was
 * replaced, or lost its session, before it could.
 */
export async function settleRun(
  session: Session,
  { runId, token }: Pick<NewRun, 'runId' | 'token'>,
): Promise<void> {
  await session.queryLedger(`UPDATE lockstep.run r SET verdict = 'applied', finished_at = pg_catalog.clock_timestamp()
    WHERE r.run_id = ${literal(runId)} AND r.finished_at IS NULL AND r.token <= ${token}`);
}

export interface RunFailure {
  readonly error: string;
  /** That was being applied. */
  readonly migration: string | undefined;
}

/** Changes nothing once a newer attempt of the run has begun. Without a failure the one that is recorded stays. */
export async function finishRun(
  session: Session,
  { runId, token }: Pick<NewRun, 'runId' | 'token'>,
  verdict: Exclude<RunVerdict, 'running'>,
  failure?: RunFailure,
): Promise<void> {
  const kept = (column: string, value: string | undefined) =>
    verdict === 'applied' ? 'NULL' : `COALESCE(${literal(value)}, r.${column})`;
  await session.query(`UPDATE lockstep.run r
    SET verdict = ${literal(verdict)}, error = ${kept('error', failure?.error)},
      failed_migration = ${kept('failed_migration', failure?.migration)}, finished_at = pg_catalog.clock_timestamp()
    WHERE r.run_id = ${literal(runId)} AND r.token <= ${token}`);
}

/** How the run of another process ended. */
export interface EndedRun {
  readonly runId: string;
  /** Null if all was applied. */
  readonly error: string | null;
  readonly failedMigration: string | null;
}

/** The last one with these migrations that ended since, but for one's own. Throws LS3xx. */
export async function readEndedRun(
  session: Session,
  { bundleDigest, runId }: Pick<NewRun, 'bundleDigest' | 'runId'>,
  sinceMs: number,
): Promise<EndedRun | undefined> {
  const rows = await session.queryLedger(
    `SELECT r.run_id, r.error, r.failed_migration FROM lockstep.run r
     WHERE r.bundle_digest = ${literal(bundleDigest)} AND r.run_id <> ${literal(runId)}
       AND r.finished_at >= pg_catalog.to_timestamp(${sinceMs} / 1000.0)
     ORDER BY r.finished_at DESC LIMIT 1`,
  );
  const row = rows?.[0];
  return (
    row && {
      runId: row.run_id ?? '',
      error: row.error ?? null,
      failedMigration: row.failed_migration ?? null,
    }
  );
}

/** What is known of a foreign command when it has ended. */
export async function noteCommand(
  session: Session,
  { runId, token }: Pick<NewRun, 'runId' | 'token'>,
  words: string,
  histories: readonly HistoryChange[] | undefined,
): Promise<void> {
  const json = histories ? JSON.stringify(histories) : null;
  await session.query(
    `UPDATE lockstep.run r SET command = ${literal(words)}, histories = ${literal(json)} WHERE r.run_id = ${literal(runId)} AND r.token <= ${token}`,
  );
}

/** An operator, or the clean-up, ends what is recorded as running. Without a ledger there is nothing to end. */
export async function endRuns(session: Session, reason: string, runId?: string): Promise<void> {
  await session.queryLedger(
    endUnfinished(runId === undefined ? 'true' : `r.run_id = ${literal(runId)}`, reason),
  );
}

const endUnfinished = (which: string, reason: string): string =>
  `UPDATE lockstep.run r SET verdict = 'failed', error = ${literal(reason)}, finished_at = pg_catalog.clock_timestamp()
   WHERE r.finished_at IS NULL AND ${which}`;
