/**
 * Rows of repeatable objects: append-only, one for each time that one was applied. The key (name, ordinal) gives "once"
 * as (revision, ordinal) does for migrations; ids are of one sequence with those of the entries, so that both have one
 * order.
 */
import type { Change } from './change.ts';
import type { Session, SessionFacts } from './session.ts';
import { isoTime, literal } from './sql.ts';

export const REPEATABLE_TABLE = `
CREATE TABLE lockstep.repeatable (
  name text NOT NULL,
  ordinal int NOT NULL CHECK (ordinal > 0),
  id bigint NOT NULL UNIQUE DEFAULT pg_catalog.nextval('lockstep.entry_id_seq'),
  sha256 text NOT NULL,
  normalized_sha256 text NOT NULL,
  run_id text NOT NULL,
  token bigint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  duration_ms int,
  PRIMARY KEY (name, ordinal)
);
`;

export const LEAVE_REPEATABLE = `
CREATE FUNCTION lockstep.leave_repeatable(of_name text, of_ordinal int, login text, acting_as text)
RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  UPDATE lockstep.repeatable r
    SET duration_ms = 1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - r.at)
    WHERE r.name = of_name AND r.ordinal = of_ordinal AND r.xid = pg_catalog.pg_current_xact_id();
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'LS002', MESSAGE = 'the transaction is not the one that the object began in';
  END IF;
  PERFORM lockstep.check_session(login, acting_as);
END $function$;
`;

/**
 * Of each the newest row, as planning sees it; for readLedger's one statement. The entries are looked through once at
 * most.
 */
export const CURRENT_REPEATABLES = `SELECT pg_catalog.json_agg(x) FROM
  (SELECT n.name, n.ordinal, n.sha256, n.normalized_sha256 AS "normalizedSha256", n.run_id AS "runId", n.id::text AS "entryId",
      COALESCE(n.id < (SELECT pg_catalog.max(e.id) FROM lockstep.entry e WHERE e.kind = 'reverted'), false) AS "revertedSince"
    FROM (SELECT DISTINCT ON (r.name) r.* FROM lockstep.repeatable r ORDER BY r.name, r.ordinal DESC) n) x`;

/** A change of a repeatable object has its name as slug. */
export function insertRepeatable({ slug, ordinal, sha256, normalizedSha256, runId, token }: Change): string {
  const values = [slug, ordinal, sha256, normalizedSha256, runId, token];
  return `INSERT INTO lockstep.repeatable (name, ordinal, sha256, normalized_sha256, run_id, token)
    VALUES (${values.map(literal).join(', ')})`;
}

export function leaveRepeatable({ slug, ordinal }: Change, { user, actingAs }: SessionFacts): string {
  return `SELECT lockstep.leave_repeatable(${[literal(slug), ordinal, literal(user), literal(actingAs)].join(', ')})`;
}

/** One time that a repeatable object was applied. */
export interface RepeatableRow {
  readonly name: string;
  readonly ordinal: number;
  readonly sha256: string;
  readonly runId: string;
  readonly token: number;
  readonly entryId: string;
  readonly at: string;
  readonly durationMs: number | null;
}

/** Every row, oldest first. Throws LS3xx. */
export async function readRepeatableRows(session: Session): Promise<readonly RepeatableRow[]> {
  const rows = await session.queryLedger(
    `SELECT pg_catalog.json_agg(x) AS found FROM (SELECT r.name, r.ordinal, r.sha256, r.run_id AS "runId", r.token,
       r.id::text AS "entryId", ${isoTime('r.at')} AS at, r.duration_ms AS "durationMs" FROM lockstep.repeatable r ORDER BY r.id) x`,
  );
  const json = rows?.[0]?.found;
  return json ? (JSON.parse(json) as RepeatableRow[]) : [];
}
