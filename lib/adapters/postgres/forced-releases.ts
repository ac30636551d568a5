/** Who freed the lease by force, and from whom: written by an operator's session, which has neither lease nor lock. */
import type { Session } from './session.ts';
import { isoTime, literal } from './sql.ts';

export const FORCED_RELEASE_TABLE = `
CREATE TABLE lockstep.forced_release (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  login text NOT NULL DEFAULT session_user,
  released_by text NOT NULL,
  freed_from text,
  token bigint,
  ended_pid int,
  ended_name text
);
`;

export interface ForcedRelease {
  /** ISO 8601. */
  readonly at: string;
  /** The operator's role in PostgreSQL. */
  readonly login: string;
  /** host:pid:uuid of the operator's process. */
  readonly releasedBy: string;
  /** The lease's holder; null if it was free. */
  readonly freedFrom: string | null;
  readonly token: number | null;
  /** The session that had the advisory lock; null if none had it. */
  readonly endedSession: { readonly pid: number; readonly applicationName: string } | null;
}

/** False where there is no ledger. Throws LS3xx. */
export async function recordForcedRelease(
  session: Session,
  { releasedBy, freedFrom, token, endedSession }: Omit<ForcedRelease, 'at' | 'login'>,
): Promise<boolean> {
  const values = [releasedBy, freedFrom, token, endedSession?.pid, endedSession?.applicationName];
  const rows = await session.queryLedger(
    `INSERT INTO lockstep.forced_release (released_by, freed_from, token, ended_pid, ended_name)
     VALUES (${values.map(literal).join(', ')}) RETURNING id`,
  );
  return rows !== undefined;
}

/** Null if there was none. Throws LS3xx. */
export async function readLastForcedRelease(session: Session): Promise<ForcedRelease | null> {
  const rows = await session.queryLedger(
    `SELECT ${isoTime('f.at')} AS at, f.login, f.released_by, f.freed_from, f.token, f.ended_pid, f.ended_name
     FROM lockstep.forced_release f ORDER BY f.id DESC LIMIT 1`,
  );
  const row = rows?.[0];
  if (!row) return null;
  return {
    at: row.at ?? '',
    login: row.login ?? '',
    releasedBy: row.released_by ?? '',
    freedFrom: row.freed_from ?? null,
    token: row.token === null ? null : Number(row.token),
    endedSession: row.ended_pid
      ? { pid: Number(row.ended_pid), applicationName: row.ended_name ?? '' }
      : null,
  };
}
