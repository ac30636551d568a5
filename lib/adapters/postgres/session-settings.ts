/**
 * What each coordinator session sets, at its start and again after each migration (which may RESET or SET).
 * The values free the advisory lock of a client that is gone: killed in a statement, frozen, or cut off.
 * Measured on PostgreSQL 15: see docs/decisions.md. A plain user may set all of them.
 */

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

const assignments = Object.entries(SETTINGS).map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', false)`);

/** The interval needs a server on an operating system that can tell (not Windows). */
const CHECK_INTERVAL = `SELECT pg_catalog.set_config('client_connection_check_interval', '${CLIENT_CHECK_INTERVAL_S}s', false)
  WHERE pg_catalog.version() ~* 'linux|darwin|freebsd'`;

export const SESSION_SETTINGS = `SELECT ${assignments.join(', ')}; ${CHECK_INTERVAL}`;

/** After a migration: login, every setting it changed, then ours again. */
export const RESTORE_SESSION = `RESET SESSION AUTHORIZATION; RESET ALL; ${SESSION_SETTINGS}`;
