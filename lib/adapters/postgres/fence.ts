/**
 * The fence: one row with the newest token that was let in, and the session it was let in with. Tokens only grow.
 * Every write of an attempt checks in its own transaction that the row still has exactly its token.
 */
import { IS_FREE } from './advisory-lock.ts';
import { limitWaiting } from './fence-locked.ts';
import type { Row, Session } from './session.ts';
import { literal } from './sql.ts';

export interface Fence {
  readonly token: number;
  /** Of the session that claimed; null in a ledger where nobody did yet. */
  readonly pid: number | null;
  readonly backendStart: string;
  readonly holder: string;
  /** For how long its holder may be silent. */
  readonly leaseMs: number;
}

const COLUMNS = 'token, pid, backend_start, holder, lease_ms';

/** Undefined when there is no ledger yet. Throws LS3xx. */
export async function readFence(session: Session): Promise<Fence | undefined> {
  const rows = await session.queryLedger(`SELECT ${COLUMNS} FROM lockstep.fence`);
  return rows?.[0] && fenceOf(rows[0]);
}

export interface Glance {
  /** Nobody holds the advisory lock. */
  readonly isFree: boolean;
  /** Read after that was asked: who has the lock writes its session into it, with its first token. Until then it is the last holder's. */
  readonly fence: Fence;
}

/** Cheap, for those who wait. Undefined when there is no ledger yet. Throws LS3xx. */
export async function glance(session: Session): Promise<Glance | undefined> {
  const rows = await session.queryLedger(`SELECT ${IS_FREE} AS free, ${COLUMNS} FROM lockstep.fence`);
  return rows?.[0] && { isFree: rows[0].free === 't', fence: fenceOf(rows[0]) };
}

export const isSameHolder = (a: Fence, b: Fence): boolean =>
  a.token === b.token && a.pid === b.pid && a.backendStart === b.backendStart;

const fenceOf = (row: Row): Fence => ({
  token: Number(row.token),
  pid: row.pid === null || row.pid === undefined ? null : Number(row.pid),
  backendStart: row.backend_start ?? '',
  holder: row.holder ?? '',
  leaseMs: Number(row.lease_ms),
});

export interface Claimant {
  readonly token: number;
  readonly holder: string;
  readonly leaseMs: number;
}

/** Should another session be in a step all the same, it would hold the row for as long as the step takes. */
const CLAIM_LOCK_TIMEOUT_MS = 2_000;

/**
 * Lets the session in with its token, if the stored one is below it; true as well when it was let in already, so
 * that a claim whose reply was lost can be made again. The advisory lock has to be held.
 */
export async function claim(session: Session, { token, holder, leaseMs }: Claimant): Promise<boolean> {
  const { pid } = session.facts;
  const backendStart = literal(session.facts.backendStart);
  const mine = `pid = ${pid} AND backend_start = ${backendStart}`;
  const [row] = await session.query(`${limitWaiting(CLAIM_LOCK_TIMEOUT_MS)}
    UPDATE lockstep.fence SET token = ${token}, holder = ${literal(holder)}, lease_ms = ${leaseMs},
      claimed_at = pg_catalog.clock_timestamp(), pid = ${pid}, backend_start = ${backendStart}
      WHERE token < ${token} OR (token = ${token} AND ${mine});
    SELECT token = ${token} AND ${mine} AS claimed FROM lockstep.fence`);
  return row?.claimed === 't';
}
