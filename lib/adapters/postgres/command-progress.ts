/** How far a long command is, by PostgreSQL's own progress views: read from another session than the one that runs it. */
import type { Session } from './session.ts';
import { AS_LOGIN } from './sql.ts';

export interface CommandProgress {
  /** CREATE INDEX CONCURRENTLY, VACUUM, …; null for one that no view knows. */
  readonly command: string | null;
  /** As the view calls it, such as `building index: scanning table`. */
  readonly phase: string;
  /** Of this phase, 0 to 1; null where PostgreSQL does not count. */
  readonly share: number | null;
  /** Sessions that it waits for now. */
  readonly blockedBy: number;
}

/** Each phase has its own counter. A command without a view still says whether it waits. */
const PROGRESS = `SELECT p.pid, p.command, p.phase,
    CASE WHEN p.phase LIKE 'waiting for%' THEN p.lockers_done WHEN p.phase LIKE '%tuples%' THEN p.tuples_done ELSE p.blocks_done END AS done,
    CASE WHEN p.phase LIKE 'waiting for%' THEN p.lockers_total WHEN p.phase LIKE '%tuples%' THEN p.tuples_total ELSE p.blocks_total END AS total
  FROM pg_catalog.pg_stat_progress_create_index p
  UNION ALL SELECT v.pid, 'VACUUM', v.phase,
    CASE v.phase WHEN 'vacuuming heap' THEN v.heap_blks_vacuumed ELSE v.heap_blks_scanned END, v.heap_blks_total
  FROM pg_catalog.pg_stat_progress_vacuum v
  UNION ALL SELECT c.pid, c.command, c.phase, c.heap_blks_scanned, c.heap_blks_total
  FROM pg_catalog.pg_stat_progress_cluster c`;

/** Of what the session with this pid runs; null when there is nothing to tell. Throws LS3xx. */
export async function commandProgress(session: Session, pid: number): Promise<CommandProgress | null> {
  const [row] = await session.query(
    `${AS_LOGIN}; SELECT p.command, COALESCE(p.phase, 'waiting for other sessions') AS phase,
       p.done::pg_catalog.float8 / NULLIF(p.total, 0) AS share,
       pg_catalog.cardinality(pg_catalog.pg_blocking_pids(a.pid)) AS blocked_by
     FROM pg_catalog.pg_stat_activity a LEFT JOIN (${PROGRESS}) p ON p.pid = a.pid
     WHERE a.pid = ${pid} AND a.state = 'active' AND (p.phase IS NOT NULL OR a.wait_event_type = 'Lock')`,
  );
  if (!row) return null;
  const share = row.share === null || row.share === undefined ? null : Math.min(1, Number(row.share));
  return { command: row.command ?? null, phase: row.phase ?? '', share, blockedBy: Number(row.blocked_by) };
}
