/** What the ledger knows of the restore point of a run: how to bring it back, and what came after it. */
import type { RestoreRecord } from '../../core/restore-point/index.ts';
import type { Session } from './session.ts';
import { isoTime, literal } from './sql.ts';

/**
 * A replica writes no log: it tells how far it has replayed. Aurora refuses to tell unless wal_level is logical, and no run
 * may fail for want of a number that is for people only.
 */
export const WAL_POSITION = `
CREATE FUNCTION lockstep.wal_position() RETURNS pg_lsn LANGUAGE plpgsql AS $function$
BEGIN
  RETURN CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
    ELSE pg_catalog.pg_current_wal_lsn() END;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END $function$;
`;

export interface KeptRestorePoint {
  readonly runId: string;
  /** Null without one. */
  readonly restorePoint: string | null;
  /** Null when it was not taken by the workflow. */
  readonly record: RestoreRecord | null;
  readonly startedAt: string;
  /** Null where the server does not tell. */
  readonly beganAtLsn: string | null;
  readonly secondsSince: number;
  /**
   * That the server has written to its log since the run began, by whomever; null in a database that was restored, and
   * where the server does not tell.
   */
  readonly walBytesSince: number | null;
  /** Entries since the run began, its own among them, oldest first. */
  readonly entriesSince: readonly {
    readonly migration: string;
    readonly kind: string;
    readonly runId: string;
  }[];
}

/** Undefined when there is no such run. Throws LS3xx. */
export async function readRestorePoint(
  session: Session,
  runId: string,
): Promise<KeptRestorePoint | undefined> {
  // A position before that of the run: this server's log is another one.
  const rows = await session.queryLedger(
    `SELECT pg_catalog.json_build_object(
       'runId', r.run_id, 'restorePoint', r.restore_point, 'record', r.restore_record, 'startedAt', ${isoTime('r.started_at')},
       'beganAtLsn', r.began_at_lsn,
       'secondsSince', pg_catalog.floor(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - r.started_at)),
       'walBytesSince', (SELECT CASE WHEN d.bytes >= 0 THEN d.bytes END
         FROM pg_catalog.pg_wal_lsn_diff(lockstep.wal_position(), r.began_at_lsn) d(bytes)),
       'entriesSince', COALESCE((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('migration', e.written_as || '_' || e.slug,
           'kind', e.kind, 'runId', e.run_id) ORDER BY e.id)
         FROM lockstep.entry e WHERE e.at >= r.started_at), '[]')) AS kept
     FROM lockstep.run r WHERE r.run_id = ${literal(runId)}`,
  );
  const kept = rows?.[0]?.kept;
  return kept ? (JSON.parse(kept) as KeptRestorePoint) : undefined;
}
