/** Pieces of SQL text. Nothing of them depends on the session's time zone, date style or search_path. */
import pg from 'pg';

export const literal = (value: string | number | bigint | null | undefined): string =>
  value === null || value === undefined ? 'NULL' : pg.escapeLiteral(String(value));
export const identifier = (name: string): string => pg.escapeIdentifier(name);

/** A timestamptz as whole microseconds since 1970: exact, and comparable as text. */
export const microseconds = (timestamp: string): string =>
  `(1000000 OPERATOR(pg_catalog.*) EXTRACT(epoch FROM ${timestamp}))::pg_catalog.int8`;

/** A timestamptz as people and JSON read it: 2026-11-21T06:23:10.123Z. */
export const isoTime = (timestamp: string): string =>
  `pg_catalog.to_char(${timestamp} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * For the rest of the message (which is one transaction) the login itself: a role that it acts as by ALTER ROLE …
 * SET role does not see the login's sessions in pg_stat_activity, and may not end them.
 */
export const AS_LOGIN = "SELECT pg_catalog.set_config('role', 'none', true)";
