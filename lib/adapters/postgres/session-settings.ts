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

/** For the session, not the transaction. */
const set = (name: string, value: string): string =>
  `pg_catalog.set_config('${name}', ${literal(value)}, false)`;

/** One statement, in which names are looked up in the login's way, and so operators are qualified, too. */
export const SESSION_SETTINGS = `SELECT ${[
  ...Object.entries(SETTINGS).map(([name, value]) => set(name, value)),
  // Needs a server on an operating system that can tell (not Windows).
  `CASE WHEN pg_catalog.version() OPERATOR(pg_catalog.~*) 'linux|darwin|freebsd'
    THEN ${set('client_connection_check_interval', `${CLIENT_CHECK_INTERVAL_S}s`)} END`,
  // How long it all takes is limited by each statement's time; from PostgreSQL 17 on a role may have a limit here.
  `CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN ${set('transaction_timeout', '0')} END`,
].join(', ')}`;

/** As DISCARD ALL, which is not for transactions; but for advisory locks, of which one is ours. */
const DISCARD =
  'RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES';

/** After a migration: nothing that it left in the session reaches the next one; then our settings again. */
export const restoreSession = (applicationName: string): string =>
  `${DISCARD}; ${SESSION_SETTINGS}, ${set('application_name', applicationName)}`;

/** SQLSTATE of a statement that was cancelled, by a timeout too. */
export const QUERY_CANCELED = '57014';

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

/** For each of its statements; Infinity without a limit. */
export const statementLimitMs = ({
  statementTimeoutMs,
  timeLeftMs,
}: Pick<MigrationLimits, 'statementTimeoutMs' | 'timeLeftMs'>): number =>
  Math.min(statementTimeoutMs || Number.POSITIVE_INFINITY, timeLeftMs);

/** As PostgreSQL takes it, to which 0 means no limit. */
export const timeoutSetting = (limitMs: number): string =>
  limitMs > LONGEST_TIMEOUT_MS ? '0' : String(Math.max(1, Math.floor(limitMs)));

/**
 * What a migration runs under, for its transaction if it is one, else for the session. A statement outside a
 * transaction (an index that is built concurrently) waits for others without keeping anybody from work, so that
 * by default it waits for as long as it takes.
 */
export function migrationSettings(limits: MigrationLimits): string {
  const lockTimeoutMs = limits.lockTimeoutMs ?? (limits.transactional ? DEFAULT_LOCK_TIMEOUT_MS : 0);
  const settings: [string, string][] = [
    ['lock_timeout', String(lockTimeoutMs)],
    ['statement_timeout', timeoutSetting(statementLimitMs(limits))],
    // Last: from here on names are looked up in the migration's way.
    ['search_path', limits.searchPath],
  ];
  const calls = settings.map(
    ([name, value]) => `pg_catalog.set_config('${name}', ${literal(value)}, ${limits.transactional})`,
  );
  return `SELECT ${calls.join(', ')}`;
}
