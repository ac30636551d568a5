/**
 * What each coordinator session sets, at its start and again after each migration (which may RESET or SET): there with
 * SET, for which the server plans nothing. A session that a pooler may hand to the app in the next moment gets them for
 * each message anew and only for that; for itself when it has shown, with the lock, that it stays ours.
 * The values free the advisory lock of a client that is gone: killed in a statement, frozen, or cut off.
 * Measured on PostgreSQL 15: see docs/decisions.md. A plain user may set all of them.
 */

import { DEFAULT_LOCK_TIMEOUT_MS } from '../../core/locks/index.ts';
import { literal } from './sql.ts';

/** The server looks whether a client with a running statement is still there. */
export const CLIENT_CHECK_INTERVAL_S = 5;
/** A frozen client is ended after this long in a transaction, or idle without its heartbeat. */
export const IDLE_TIMEOUT_S = 60;

const SETTINGS: Readonly<Record<string, string>> = {
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
  client_connection_check_interval: `${CLIENT_CHECK_INTERVAL_S}s`,
  // How long it all takes is limited by each statement's time; from PostgreSQL 17 on a role may have a limit here.
  transaction_timeout: '0',
  // Last: from here on names are looked up in our way.
  search_path: 'pg_catalog',
};

/** A server of another kind or release may not have it. */
const conditionFor = (name: string): string =>
  name === 'client_connection_check_interval'
    ? // An operating system that can tell (not Windows).
      `pg_catalog.version() OPERATOR(pg_catalog.~*) 'linux|darwin|freebsd'`
    : 'true';

/**
 * Columns of a SELECT that sets them, in which names are looked up in the login's way, and so operators are qualified,
 * too. `settings` lists those that the server has. `isLocal`: a condition, under which they hold for this message only.
 */
export const setSession = (isLocal: string): string =>
  Object.entries(SETTINGS)
    .map(
      ([name, value]) =>
        `CASE WHEN pg_catalog.current_setting('${name}', true) IS NOT NULL AND ${conditionFor(name)}
        THEN pg_catalog.set_config('${name}', ${literal(value)}, ${isLocal}) END AS "set ${name}"`,
    )
    .join(', ');

/** For the message that it begins. */
export const setMessage = (settings: readonly string[]): string =>
  `SELECT ${settings.map((name) => setLocal(name, SETTINGS[name] ?? '')).join(', ')}`;

export const setLocal = (name: string, value: string): string =>
  `pg_catalog.set_config(${literal(name)}, ${literal(value)}, true)`;

/** For the session. */
export const setAll = (settings: readonly string[]): string =>
  settings.map((name) => `SET ${name} = ${literal(SETTINGS[name])}`).join('; ');

/** What of it was set, from the row that the SELECT gave. */
export const settingsIn = (row: Readonly<Record<string, string | null>>): string[] =>
  Object.keys(SETTINGS).filter((name) => row[`set ${name}`] !== null);

/** As DISCARD ALL, which is not for transactions; but for advisory locks, of which one is ours. */
const DISCARD =
  'RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES';

/** After a migration: nothing that it left in the session reaches the next one; then our settings again. */
export function restoreSession(session: SettledSession): string {
  const name = `SET application_name = ${literal(session.applicationName)}`;
  return [DISCARD, setAll(session.facts.settings), name].join('; ');
}

/** A session that began with the settings named. */
interface SettledSession {
  readonly facts: { readonly settings: readonly string[] };
  readonly applicationName: string;
}

/** SQLSTATE of a statement that was cancelled, by a timeout too. */
export const QUERY_CANCELED = '57014';

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
