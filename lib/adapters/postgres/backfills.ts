/** Back-fills that are under way, as the journal has them; for people who watch, pause and resume them. */
import type { Session } from './session.ts';
import { isoTime, literal } from './sql.ts';

export interface RunningBackfill {
  readonly revision: string;
  readonly paused: boolean;
  /** The key up to which it is done, as text; null before the first batch. */
  readonly cursor: readonly string[] | null;
  readonly keys: number;
  readonly batchSize: number | null;
  /** When its last batch was committed, ISO 8601. */
  readonly at: string;
}

const UNDER_WAY = "j.state = 'started' AND j.postcondition IS NULL";

/** In the order of their revisions; there is rarely more than one. Throws LS3xx. */
export async function readBackfills(session: Session): Promise<readonly RunningBackfill[]> {
  const rows = await session.queryLedger(
    `SELECT pg_catalog.json_agg(x) AS backfills FROM (SELECT j.revision::pg_catalog.text, j.paused, j.cursor, j.keys,
       j.batch_size AS "batchSize", ${isoTime('j.at')} AS at FROM lockstep.journal j WHERE ${UNDER_WAY} ORDER BY j.revision) x`,
  );
  const json = rows?.[0]?.backfills;
  return json ? (JSON.parse(json) as RunningBackfill[]) : [];
}

/** Whoever runs it sees this before its next batch. Gives the revisions that are under way. Throws LS3xx. */
export async function setPaused(
  session: Session,
  paused: boolean,
  revision?: string,
): Promise<readonly string[]> {
  const which = revision === undefined ? '' : ` AND j.revision = ${literal(revision)}`;
  const rows = await session.queryLedger(
    `UPDATE lockstep.journal j SET paused = ${paused} WHERE ${UNDER_WAY}${which} RETURNING j.revision`,
  );
  return (rows ?? []).map((row) => row.revision ?? '');
}
