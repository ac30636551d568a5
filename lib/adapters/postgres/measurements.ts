import { MEASUREMENTS_LIMIT, type Measurement, WORTH_MEASURING_MS } from '../../core/plan/index.ts';
import type { Session } from './session.ts';

const msBetween = (from: string, to: string): string =>
  `(1000 * EXTRACT(epoch FROM ${to} - ${from}))::pg_catalog.int8`;

/** A step of several lasts until the next one began, the last one until the entry was written. */
const LONGEST_STEP = `SELECT pg_catalog.max(${msBetween('s.at', 's.ended')}) FROM (
  SELECT j.at, j.cursor, COALESCE(pg_catalog.lead(j.at) OVER (ORDER BY j.step), e.at) AS ended
  FROM lockstep.journal j WHERE j.revision = e.revision AND j.ordinal = e.ordinal) s
  WHERE s.cursor IS NULL`;

/**
 * The slowest of the applied migrations, by their longest step; a back-fill counts for nothing, because it stops
 * after any batch. None without a ledger. Throws LS3xx.
 */
export async function readSlowest(session: Session): Promise<readonly Measurement[]> {
  const rows = await session.queryLedger(
    `SELECT pg_catalog.json_agg(x) AS slowest FROM (
       SELECT e.written_as || '_' || e.slug AS migration, d.ms AS "durationMs"
       FROM lockstep.applied e, LATERAL (SELECT COALESCE((${LONGEST_STEP}), e.duration_ms) AS ms) d
       WHERE e.kind = 'applied' AND d.ms >= ${WORTH_MEASURING_MS} ORDER BY d.ms DESC LIMIT ${MEASUREMENTS_LIMIT}) x`,
  );
  return JSON.parse(rows?.[0]?.slowest ?? '[]') as Measurement[];
}
