import { isLongTransaction } from './patience.ts';

/** A session, or a transaction without one, that holds what a migration wants. */
export interface Blocker {
  /** Null for a prepared transaction, which has no session. */
  readonly pid: number | null;
  /** By which the transaction is known again: pg_locks.virtualtransaction; '' if it was not looked up. */
  readonly transaction: string;
  readonly kind: BlockerKind;
  /** Empty for another role's session, of which only the pid and the role are shown. */
  readonly applicationName: string;
  readonly user: string;
  /** active, idle in transaction, …; `unknown` for another role's session. */
  readonly state: string;
  /** SELECT, UPDATE, …: of the text of its query nothing else is known. */
  readonly command: string | null;
  /** Of the transaction; null if it is not known. */
  readonly transactionAgeMs: number | null;
  /** For how long it has been in its state: of an active one, the age of its query. */
  readonly queryAgeMs: number | null;
}

export type BlockerKind = 'session' | 'backup' | 'autovacuum' | 'wraparound-vacuum' | 'prepared-transaction';

/** What the server tells of a session, as far as it may be known. */
export interface SessionTraits {
  readonly pid: number | null;
  readonly applicationName: string | null;
  readonly backendType: string | null;
  /** Its text says so, which only the server has read. */
  readonly preventsWraparound: boolean;
}

export function kindOf({
  pid,
  applicationName,
  backendType,
  preventsWraparound,
}: SessionTraits): BlockerKind {
  if (pid === null) return 'prepared-transaction';
  if (backendType === 'autovacuum worker') return preventsWraparound ? 'wraparound-vacuum' : 'autovacuum';
  return applicationName === 'pg_dump' || applicationName === 'pg_dumpall' ? 'backup' : 'session';
}

/** Commands that may be told; any other word may be a piece of somebody's data. */
const COMMANDS = new Set([
  ...[
    'SELECT',
    'WITH',
    'VALUES',
    'TABLE',
    'INSERT',
    'UPDATE',
    'DELETE',
    'MERGE',
    'COPY',
    'FETCH',
    'DECLARE',
    'LOCK',
  ],
  ...[
    'BEGIN',
    'START',
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT',
    'RELEASE',
    'PREPARE',
    'EXECUTE',
    'CALL',
    'DO',
    'SET',
    'SHOW',
  ],
  ...['CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'COMMENT', 'GRANT', 'REVOKE', 'REFRESH', 'IMPORT', 'EXPLAIN'],
  ...['VACUUM', 'ANALYZE', 'REINDEX', 'CLUSTER', 'CHECKPOINT'],
]);

export function commandOf(firstWord: string | null): string | null {
  const word = firstWord?.toUpperCase() ?? '';
  return COMMANDS.has(word) ? word : null;
}

/**
 * Those to wait for before trying. A short transaction ends while the try waits for it, and autovacuum gives way to
 * one who waits, unless it prevents wraparound.
 */
export function toWaitFor(
  blockers: readonly Blocker[],
  /** For how long the transaction was seen by who asks: its age, where the server does not tell. */
  seenForMs: (blocker: Blocker) => number,
): Blocker[] {
  return blockers.filter((blocker) => {
    switch (blocker.kind) {
      case 'autovacuum':
        return false;
      case 'wraparound-vacuum':
      case 'backup':
      case 'prepared-transaction':
        return true;
      case 'session':
        return isLongTransaction(Math.max(blocker.transactionAgeMs ?? 0, seenForMs(blocker)));
      default:
        return blocker.kind satisfies never;
    }
  });
}

/** `session 4711 (report, user analyst), running SELECT for 12 s`; for messages. */
export function describeBlocker(blocker: Blocker): string {
  const { pid, kind } = blocker;
  switch (kind) {
    case 'prepared-transaction':
      return 'a prepared transaction (pg_prepared_xacts), which waits for its COMMIT PREPARED';
    case 'autovacuum':
      return `session ${pid}, an autovacuum`;
    case 'wraparound-vacuum':
      return `session ${pid}, an autovacuum to prevent wraparound, which does not give way`;
    case 'backup':
      return `session ${pid}, a backup by pg_dump (user ${blocker.user})${doing(blocker)}`;
    case 'session':
      return `session ${pid} (${nameOf(blocker)})${doing(blocker)}`;
    default:
      return kind satisfies never;
  }
}

const nameOf = ({ applicationName, user }: Blocker): string =>
  [applicationName, user && `user ${user}`].filter((part) => part !== '').join(', ') || 'unknown';

function doing({ state, command, queryAgeMs, transactionAgeMs }: Blocker): string {
  if (state === 'unknown') return '';
  const forHowLong = queryAgeMs === null ? '' : ` for ${seconds(queryAgeMs)}`;
  const inAll = transactionAgeMs === null ? '' : `, its transaction is ${seconds(transactionAgeMs)} old`;
  if (state === 'active') return `, running ${command ?? 'a query'}${forHowLong}${inAll}`;
  return `, ${state}${forHowLong}${inAll}`;
}

const seconds = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;

/** The first ones of what may be a crowd. */
const SHOWN = 3;

export function describeBlockers(blockers: readonly Blocker[]): string {
  const shown = blockers.slice(0, SHOWN).map(describeBlocker).join('; ');
  return blockers.length > SHOWN ? `${shown}; and ${blockers.length - SHOWN} more` : shown;
}
