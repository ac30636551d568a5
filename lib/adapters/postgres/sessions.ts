/** Names of Lockstep's sessions, as pg_stat_activity shows them, and how to end one. */
import { createHash } from 'node:crypto';
import { type Clock, within } from '../../core/clock.ts';
import { connect } from './connect.ts';
import { withGrant } from './denied.ts';
import type { Row, Session } from './session.ts';
import { AS_LOGIN, identifier, literal, microseconds } from './sql.ts';

/** PostgreSQL cuts application_name at 63 bytes: 10 for the prefix, up to 16 digits, a blank, and the rest. */
const LABEL_LENGTH = 36;

/** A run's (or holder's) id as one word of printable ASCII; one that is too long ends in a part of its hash. */
export function labelOf(id: string): string {
  const word = id.replaceAll(/[^!-~]/g, '_');
  if (word === id && word.length <= LABEL_LENGTH) return word;
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 12);
  return `${word.slice(0, LABEL_LENGTH - hash.length - 1)}~${hash}`;
}

/** Of an attempt: carries its token and its run. */
export const attemptName = (token: number, runId: string): string => `lockstep #${token} ${labelOf(runId)}`;

/** The token of an attempt's session; undefined for any other session. */
export function tokenOf(applicationName: string): number | undefined {
  const digits = /^lockstep #(\d+) /.exec(applicationName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Which server session; with the start time a pid is never mistaken for that of an earlier one. It is empty for a
 * session of another role, of which this one may see no more than the pid.
 */
export interface SessionId {
  readonly pid: number;
  readonly backendStart: string;
}

const isSession = ({ pid, backendStart }: SessionId) =>
  `a.pid = ${pid} AND ${microseconds('a.backend_start')} IS NOT DISTINCT FROM ${literal(backendStart || null)}`;

export async function nameSession(session: Session, applicationName: string): Promise<void> {
  await session.query(`SET application_name = ${literal(applicationName)}`);
  session.applicationName = applicationName;
}

/** Asks the server to end the session; that it is gone shows when its lock is free. Throws LS306. */
export async function endSession(session: Session, id: SessionId): Promise<void> {
  await queryEnding(
    session,
    `SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a WHERE ${isSession(id)}`,
  );
}

/** Ends all sessions of one run in this database and gives their number. Throws LS306, LS3xx. */
export async function endSessions(session: Session, runId: string): Promise<number> {
  const [row] = await queryEnding(
    session,
    `SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid)) AS ended FROM pg_catalog.pg_stat_activity a
     WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
       AND a.application_name LIKE 'lockstep #%'
       AND pg_catalog.split_part(a.application_name, ' ', 3) = ${literal(labelOf(runId))}`,
  );
  return Number(row?.ended ?? 0);
}

async function queryEnding(session: Session, ending: string): Promise<Row[]> {
  try {
    return await session.query(`${AS_LOGIN}; ${ending}`);
  } catch (error) {
    const remedy = `Log in as the role whose session is to be ended, or GRANT pg_signal_backend TO ${identifier(session.facts.user)}; a superuser's session can be ended by a superuser only.`;
    throw withGrant(error, remedy);
  }
}

const CANCEL_CONNECT_MS = 3_000;
const CANCEL_TAKES_MS = 5_000;

/**
 * Stops the statement that the session runs now. Returns when it has ended; if that cannot be had, the
 * connection is dropped, and the server ends the statement by itself (client_connection_check_interval).
 */
export async function cancelRunning(session: Session, clock: Clock): Promise<void> {
  if (!session.busy || session.isLost) return;
  // This one statement: what is sent after it (to clean up) is not to be stopped.
  let isOver = false;
  const running = session.whenIdle().then(() => {
    isOver = true;
  });
  const late = new AbortController();
  // When the server cannot be asked, dropping the connection is what is left.
  const asking = sendCancel(session, clock, late.signal).catch(() => undefined);
  await within(clock, CANCEL_TAKES_MS, Promise.all([running, asking]));
  if (!isOver) session.destroy();
  late.abort();
  await asking;
}

async function sendCancel(session: Session, clock: Clock, late: AbortSignal): Promise<void> {
  const config = { ...session.config, connectBudgetMs: CANCEL_CONNECT_MS };
  const second = await connect({ config, clock, applicationName: 'lockstep cancel', signal: late });
  late.addEventListener('abort', () => second.destroy());
  try {
    await second.query(
      `${AS_LOGIN}; SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity a WHERE ${isSession(session.facts)}`,
    );
  } finally {
    await second.end();
  }
}

/**
 * For how long the server has had nothing to do for a session; Infinity when it has no such session any more, 0 when it
 * is at work, or does not tell. Throws LS3xx.
 */
export async function idleForMs(second: Session, id: SessionId): Promise<number> {
  const [row] = await second.query(`${AS_LOGIN};
    SELECT pg_catalog.count(*) AS found, COALESCE(pg_catalog.max(CASE WHEN a.state LIKE 'idle%'
        THEN 1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.state_change) END), 0) AS idle_ms
      FROM pg_catalog.pg_stat_activity a WHERE ${isSession(id)}`);
  return row?.found === '0' ? Number.POSITIVE_INFINITY : Number(row?.idle_ms);
}
