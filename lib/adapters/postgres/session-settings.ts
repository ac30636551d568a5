/**
 * What each coordinator session sets, at its start and again after each migration (which may RESET or SET).
 * The values free the advisory lock of a client that is gone: killed in a statement, frozen, or cut off.
 * Measured on PostgreSQL 15: see docs/decisions.md. A plain user may set all of them.
 */

import { literal } from './sql.ts';

/** The server looks whether a client with a running statement is still there. */
export const CLIENT_CHECK_INTERVAL_S = 5;
/** A frozen client is ended after this long in a transaction, or idle without its heartbeat. */
export const IDLE_TIMEOUT_S = 60;

const SETTINGS: Readonly<Record<string, string>> = {
  search_path: 'pg_catalog',
  // Offsets and literals are computed for these two.
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_session_timeout: `${IDLE_TIMEOUT_S}s`,
  idle_in_transaction_session_timeout: `${IDLE_TIMEOUT_S}s`,
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '25s',
  default_transaction_isolation: 'read committed',
};

const assignments = Object.entries(SETTINGS).map(
  ([name, value]) => `pg_catalog.set_config('${name}', '${value}', false)`,
);

/** The interval needs a server on an operating system that can tell (not Windows). */
const CHECK_INTERVAL = `SELECT pg_catalog.set_config('client_connection_check_interval', '${CLIENT_CHECK_INTERVAL_S}s', false)
  WHERE pg_catalog.version() ~* 'linux|darwin|freebsd'`;

export const SESSION_SETTINGS = `SELECT ${assignments.join(', ')}; ${CHECK_INTERVAL}`;

/** After a migration: login, every setting that it changed, then ours again. */
export const restoreSession = (applicationName: string): string =>
  `RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SET application_name = ${literal(applicationName)}; ${SESSION_SETTINGS}`;

/** A statement that waits longer for a lock makes everybody else queue behind it. */
const DEFAULT_LOCK_TIMEOUT_MS = 10_000;
/** PostgreSQL keeps timeouts in an int. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

export interface MigrationLimits {
  /** The login's own search_path. */
  readonly searchPath: string;
  readonly transactional: boolean;
  readonly lockTimeoutMs: number | undefined;
  readonly statementTimeoutMs: number | undefined;
  /** Until the attempt must have stopped; may be Infinity. */
  readonly timeLeftMs: number;
}

/**
 * What a migration runs under, for its transaction if it is one, else for the session. A statement outside a
 * transaction (an index that is built concurrently) waits for others without keeping anybody from work, so that
 * by default it waits for as long as it takes.
 */
export function migrationSettings(limits: MigrationLimits): string {
  const lockTimeoutMs = limits.lockTimeoutMs ?? (limits.transactional ? DEFAULT_LOCK_TIMEOUT_MS : 0);
  const longest = limits.statementTimeoutMs || Number.POSITIVE_INFINITY;
  const statementTimeoutMs = Math.max(1, Math.floor(Math.min(longest, limits.timeLeftMs)));
  const settings: [string, string][] = [
    ['lock_timeout', String(lockTimeoutMs)],
    ['statement_timeout', statementTimeoutMs > LONGEST_TIMEOUT_MS ? '0' : String(statementTimeoutMs)],
    // Last: from here on names are looked up in the migration's way.
    ['search_path', limits.searchPath],
  ];
  const calls = settings.map(
    ([name, value]) => `pg_catalog.set_config('${name}', ${literal(value)}, ${limits.transactional})`,
  );
  return `SELECT ${calls.join(', ')}`;
}
