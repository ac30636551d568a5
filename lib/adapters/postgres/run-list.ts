/** The runs of a ledger, for people: all of them in a line each, and what one of them did, when. */
import type { RunEvent, RunSummary } from '../../core/report/run.ts';
import { RUN_FACTS } from './runs.ts';
import type { Session } from './session.ts';
import { isoTime, literal } from './sql.ts';

export type { RunEvent, RunSummary };

const SUMMARY = `${RUN_FACTS}, r.token, r.bundle_digest AS "bundleDigest",
  (SELECT pg_catalog.count(*) FROM lockstep.entry e WHERE e.run_id = r.run_id)
    + (SELECT pg_catalog.count(*) FROM lockstep.repeatable o WHERE o.run_id = r.run_id) AS "entryCount"`;

/** The newest first, or only the one with this id. None without a ledger. Throws LS3xx. */
export async function readRuns(session: Session, runId?: string): Promise<readonly RunSummary[]> {
  const where = runId === undefined ? '' : `WHERE r.run_id = ${literal(runId)}`;
  const rows = await session.queryLedger(
    `SELECT pg_catalog.json_agg(x) AS runs FROM
       (SELECT ${SUMMARY} FROM lockstep.run r ${where} ORDER BY r.started_at DESC, r.run_id) x`,
  );
  return JSON.parse(rows?.[0]?.runs ?? '[]') as RunSummary[];
}

/** What it applied, in its canonical form, by the migration's name; a large script is not among them. Throws LS3xx. */
export async function readRunSql(session: Session, runId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await session.queryLedger(
    `SELECT e.written_as || '_' || e.slug AS migration, e.up FROM lockstep.entry e
     WHERE e.run_id = ${literal(runId)} AND e.kind = 'applied' AND e.up IS NOT NULL ORDER BY e.id`,
  );
  return new Map((rows ?? []).map(({ migration, up }) => [migration ?? '', up ?? '']));
}

/** Oldest first. Throws LS3xx. */
export async function readRunEvents(session: Session, runId: string): Promise<readonly RunEvent[]> {
  const id = literal(runId);
  const rows = await session.queryLedger(`SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'at', ${isoTime('x.at')}, 'kind', x.kind, 'migration', x.migration, 'step', x.step, 'state', x.state, 'direction', x.direction,
      'keys', x.keys, 'durationMs', x.duration_ms, 'locks', COALESCE(x.locks, '[]')) ORDER BY x.at, x.rank) AS events
    FROM (
      SELECT e.at, e.id AS rank, e.kind, e.written_as || '_' || e.slug AS migration, NULL::int AS step, NULL AS state,
        NULL AS direction, NULL::int8 AS keys, e.duration_ms, e.locks FROM lockstep.entry e WHERE e.run_id = ${id}
      UNION ALL SELECT o.at, o.id, 'applied', 'R_' || o.name, NULL, NULL, NULL, NULL, o.duration_ms, NULL
        FROM lockstep.repeatable o WHERE o.run_id = ${id}
      UNION ALL SELECT j.at, j.step, 'step', j.migration, j.step + 1, j.state, j.direction,
        CASE WHEN j.keys > 0 THEN j.keys END, NULL, j.locks FROM lockstep.journal j WHERE j.run_id = ${id}) x`);
  return JSON.parse(rows?.[0]?.events ?? '[]') as RunEvent[];
}
