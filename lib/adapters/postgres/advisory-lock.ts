/**
 * The advisory lock: the second guard, on the one session that runs the SQL. It is polled, never waited for in
 * the server: a blocked pg_advisory_lock, like any open snapshot, deadlocks with CREATE INDEX CONCURRENTLY.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import type { Session } from './session.ts';
import { setLocal } from './session-settings.ts';
import { endSession } from './sessions.ts';
import { AS_LOGIN, isoTime, literal, microseconds } from './sql.ts';

/** Signed decimal text of a bigint: JavaScript's numbers lose bits above 2^53. Locks are per database. */
export function advisoryKey(scope: string): string {
  return createHash('sha256').update(`lockstep\0${scope}`).digest().readBigInt64BE(0).toString();
}

/** One per database, as there is one ledger in a database. */
export const LEDGER_LOCK = advisoryKey('ledger');

const bits = BigInt.asUintN(64, BigInt(LEDGER_LOCK));
const [high, low] = [bits >> 32n, bits & 0xffff_ffffn];

/** A condition over pg_locks: the row of this lock (bigint keys have objsubid 1) in this database; not of those who look. */
export const IS_LEDGER_LOCK = `l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.objsubid = 1 AND l.classid = ${high} AND l.objid = ${low}
  AND l.granted AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`;

/** The session that holds the lock, as pg_stat_activity shows it. */
export interface LockedBy {
  readonly pid: number;
  readonly backendStart: string;
  readonly applicationName: string;
  /** active, idle, idle in transaction, …; `unknown` for another role's session, of which only the pid is shown. */
  readonly state: string;
  /** Microseconds since 1970. */
  readonly stateChange: string;
  /** ISO 8601. */
  readonly connectedAt: string;
  readonly queryAgeMs: number;
  /** When this was seen, microseconds since 1970 by the server's clock. */
  readonly seenAt: string;
}

const HOLDER = `${AS_LOGIN}; SELECT l.pid, ${microseconds('a.backend_start')} AS backend_start, a.application_name, a.state,
    ${isoTime('a.backend_start')} AS connected_at, ${microseconds('a.state_change')} AS state_change,
    pg_catalog.round(1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.state_change)) AS age_ms,
    ${microseconds('pg_catalog.clock_timestamp()')} AS seen_at
  FROM pg_catalog.pg_locks l LEFT JOIN LATERAL pg_catalog.pg_stat_get_activity(l.pid) a ON true
  WHERE ${IS_LEDGER_LOCK}`;

/**
 * An expression: nobody holds the lock. To have it shared for a moment shows that, at a fortieth of what a look into
 * pg_locks costs; those who look so do not disturb one another, and one who takes the lock just then tries again.
 */
export const IS_FREE = `CASE WHEN pg_catalog.pg_try_advisory_lock_shared(${LEDGER_LOCK})
  THEN pg_catalog.pg_advisory_unlock_shared(${LEDGER_LOCK}) ELSE false END`;

/** Null when nobody holds it. */
export async function lockHolder(session: Session): Promise<LockedBy | null> {
  const [row] = await session.query(HOLDER);
  if (!row) return null;
  return {
    pid: Number(row.pid),
    backendStart: row.backend_start ?? '',
    applicationName: row.application_name ?? '',
    state: row.state ?? 'unknown',
    stateChange: row.state_change ?? '',
    connectedAt: row.connected_at ?? '',
    queryAgeMs: Math.max(0, Number(row.age_ms ?? 0)),
    seenAt: row.seen_at ?? '',
  };
}

/** Twice, so that it can be given up once and taken again without being free meanwhile: see ledger-functions.ts. */
const TRY = `pg_catalog.pg_try_advisory_lock(${LEDGER_LOCK})`;

/**
 * One try in autocommit, in the session that the connection began with. Whether the next message comes to the same session is
 * not known by that: `tryLockForGood` asks, or who writes next (`holdingLock`). Throws LS304.
 */
export async function tryLock(session: Session, applicationName: string): Promise<boolean> {
  // Until it is known whether the session stays ours, its name is for this message.
  const named = session.isDirect
    ? `SET application_name = ${literal(applicationName)}`
    : `SELECT ${setLocal('application_name', applicationName)}`;
  const [row] = await session.query(
    `${named}; SELECT ${TRY} AND ${TRY} AS locked WHERE pg_catalog.pg_backend_pid() = ${session.facts.pid}`,
  );
  session.applicationName = applicationName;
  if (!row) throw transactionPooler();
  return row.locked === 't';
}

/**
 * When it succeeds, a later statement has to find the session with the lock; behind a pooler that hands out sessions per
 * transaction it does not. Throws LS304 then, and no lock stays behind.
 */
export async function tryLockForGood(session: Session, applicationName: string): Promise<boolean> {
  if (!(await tryLock(session, applicationName))) return false;
  if (!(await holdsLock(session))) {
    await endLostSession(session);
    throw transactionPooler();
  }
  await session.settle(applicationName);
  return true;
}

/** The pooler would keep the server session, with its lock. It may be the very one that is asked to end it. */
export async function endLostSession(session: Session): Promise<void> {
  await endSession(session, session.facts).catch(() => undefined);
}

/** An expression: the message came to this session, and it has the lock. Without the login's help, so that a transaction may ask, too. */
export const holdingLock = ({ facts: { pid } }: Session): string =>
  `pg_catalog.pg_backend_pid() = ${pid} AND EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = ${pid} AND ${IS_LEDGER_LOCK})`;

export async function holdsLock(session: Session): Promise<boolean> {
  const [row] = await session.query(`SELECT ${holdingLock(session)} AS held`);
  return row?.held === 't';
}

/** As often as it was taken. False: it did not have it. */
export async function unlock(session: Session): Promise<boolean> {
  const once = `pg_catalog.pg_advisory_unlock(${LEDGER_LOCK})`;
  const [row] = await session.query(`SELECT ${once} AS had, ${once}`);
  return row?.had === 't';
}

export const transactionPooler = (): LockstepError =>
  new LockstepError('LS304', {
    what: 'The connection goes through a pooler that changes the server session between statements, where no lock holds.',
    state: NOTHING_CHANGED,
    remedy: "Give the server's direct address, or the pooler's session mode.",
  });

export interface TakeLock {
  readonly session: Session;
  readonly applicationName: string;
  readonly clock: Clock;
  readonly budgetMs: number;
  readonly signal: AbortSignal;
  readonly onWait: (heldBy: LockedBy, waitedMs: number) => void;
  /** Told who has the lock; ends that session if it may. The next try tells whether it is gone. True: it is awaited, beyond the budget. */
  readonly endOrphan: (heldBy: LockedBy) => Promise<boolean>;
}

/** Waiting sleeps in the client; the actual pause is half to whole. */
const PAUSE = { firstMs: 50, factor: 1.5, maxMs: 1_000 } as const;

/** Polls until the lock is taken. Throws LS401 when the budget is used up, LS304, LS3xx, the signal's reason. */
export async function takeLock(options: TakeLock): Promise<void> {
  const { session, applicationName, clock, budgetMs, signal, onWait, endOrphan } = options;
  let startedMs = clock.nowMs();
  for (let pauseMs: number = PAUSE.firstMs; ; pauseMs = Math.min(PAUSE.maxMs, pauseMs * PAUSE.factor)) {
    signal.throwIfAborted();
    if (await tryLockForGood(session, applicationName)) return;
    const waitedMs = clock.nowMs() - startedMs;
    const holder = await lockHolder(session);
    if (holder) {
      if (waitedMs + pauseMs >= budgetMs) throw lockNotObtained(holder, waitedMs);
      onWait(holder, waitedMs);
      if (await endOrphan(holder)) startedMs = clock.nowMs();
    }
    await clock.sleep(pauseMs * (0.5 + clock.random() / 2), signal);
  }
}

const lockNotObtained = ({ pid, applicationName }: LockedBy, waitedMs: number): LockstepError =>
  new LockstepError('LS401', {
    what: `The advisory lock was not obtained within ${Math.round(waitedMs / 100) / 10} s: session ${pid} (${applicationName || 'of another role'}) holds it.`,
    state: 'This run changed nothing in the database; the holder may be changing it.',
    remedy:
      'Wait until the holder is done (`lockstep lock status`) and run the same command again; ' +
      'if it is gone for good, `lockstep lock release --force` ends its session.',
    context: { pid, waitedMs: Math.round(waitedMs) },
  });
