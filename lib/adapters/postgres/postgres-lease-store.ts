/**
 * The lease without DynamoDB: the advisory lock is the lease, and the fence row mints the token. One store is one
 * session; it holds at most what its session holds, and when the session ends, so does the lease.
 *
 * The record version is made of what the server says of the holder's session: as long as that is idle, it changes
 * with each renewal; while it runs SQL, it changes with each look, because the server itself vouches for it (and so it
 * does for another role's session, of which no more can be seen than that it is there). So only
 * a holder that is idle for the whole lease duration is silent, and taking over from it means to end its session;
 * the lock, once it is had, proves that the session is gone.
 *
 * The ledger is made for the first token, with which the holder is written into it: who has the lease and finds that there is nothing
 * that it could do leaves no trace. Until then its session's name says who it is.
 *
 * A dry run takes the lease as well, and leaves no trace: it needs no ledger, and its token is not stored, because it
 * never writes; while it has the lock nobody else mints one.
 *
 * Who is authoritative: pg_locks. What can fail: LS402 for a session that is lost or was ended, LS611, LS3xx.
 */
import { LockstepError } from '../../core/errors/index.ts';
import type {
  AcquireRequest,
  AcquireResult,
  Lease,
  LeaseRecord,
  LeaseStore,
} from '../../core/lease/index.ts';
import { leaseLost } from '../../core/lease/lease-errors.ts';
import {
  holdingLock,
  holdsLock,
  type LockedBy,
  lockHolder,
  transactionPooler,
  tryLock,
  tryLockForGood,
  unlock,
} from './advisory-lock.ts';
import { type Fence, glance, isSameHolder, readFence } from './fence.ts';
import { fenceLocked, limitWaiting } from './fence-locked.ts';
import { freeRecord, heldRecord, PREFIX } from './lease-records.ts';
import { ensureLedger } from './ledger-schema.ts';
import { ReleaseWord } from './release-word.ts';
import type { Session } from './session.ts';
import { endSession, labelOf } from './sessions.ts';
import { literal } from './sql.ts';

const ENDING_TAKES_MS = 5_000;
/** Who has the lock is the only one to enter: anybody else who locks the row has no business there. */
const ENTER_LOCK_TIMEOUT_MS = 5_000;
const ENDING_PAUSE_MS = 20;
/** Who waits reads at least every two seconds, and so sees within six whether a holder went silent. */
const READS_OF_FOUND = 2;

interface Found {
  readonly record: LeaseRecord;
  /** The session behind a HELD record. */
  readonly lockedBy: LockedBy | null;
  readonly fence: Fence | undefined;
}

export class PostgresLeaseStore implements LeaseStore {
  readonly #session: Session;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #isDryRun: boolean;
  readonly #word: ReleaseWord;
  /** What was read last of another holder. */
  #found: Found | undefined;
  #readsOfFound = 0;
  /** It has tried to; a try may succeed and its reply be lost. */
  #mayHoldLock = false;

  constructor(session: Session, sleep: (ms: number) => Promise<void>, isDryRun = false) {
    this.#session = session;
    this.#sleep = sleep;
    this.#isDryRun = isDryRun;
    this.#word = new ReleaseWord(session);
  }

  /**
   * As long as the holder is the same, mostly what was found before: so waiting costs the server little. The version may
   * be a few reads old then; who would take over by it looks anew (`#lock`).
   */
  async read(target: string): Promise<LeaseRecord | undefined> {
    const { record, lockedBy, fence } = this.#found ?? {};
    const isOther = lockedBy && lockedBy.pid !== this.#session.facts.pid;
    // To its own session a lock that it holds is free.
    if (isOther && fence?.pid === lockedBy.pid && this.#readsOfFound < READS_OF_FOUND) {
      const seen = await glance(this.#session);
      if (seen?.isFree) return freeRecord(target, seen.fence);
      if (seen && isSameHolder(seen.fence, fence)) {
        this.#readsOfFound += 1;
        return record;
      }
    }
    return (await this.#find(target))?.record;
  }

  async tryAcquire(request: AcquireRequest): Promise<AcquireResult> {
    const { target, holder, durationMs } = request;
    const isHeld = this.#mayHoldLock && (await holdsLock(this.#session));
    const lock = isHeld ? 'locked' : await this.#lock(request);
    if (typeof lock === 'object' && 'heldBy' in lock) return { kind: 'held', record: lock.heldBy };
    await this.#word.unlisten();
    const lease = { target, holder, durationMs, token: 0 };
    return { kind: 'acquired', lease, ...(typeof lock === 'object' ? lock : {}) };
  }

  /** The first one makes the ledger, if there is none, and enters it. Throws LS304 to LS307, LS611, too. */
  async mint(lease: Lease, floor = 0): Promise<Lease> {
    if (this.#isDryRun) {
      if (!(await holdsLock(this.#session))) throw transactionPooler();
      return { ...lease, token: ((await readFence(this.#session))?.token ?? 0) + 1 };
    }
    const ledger = lease.token === 0 ? ensureLedger(this.#session) : undefined;
    if (ledger && !(await ledger.whenSent)) await ledger.whenMade;
    const minting = this.#mintToken(lease, floor);
    minting.catch(() => undefined);
    await ledger?.whenMade;
    const token = await minting;
    if (typeof token === 'number') return { ...lease, token };
    // It had the lock, and has not given it up: the message came to another session.
    const isElsewhere = token === 'not held' && lease.token === 0 && this.#mayHoldLock;
    throw isElsewhere ? transactionPooler() : leaseLost(lease, undefined);
  }

  #mintToken(lease: Lease, floor: number): Promise<number | 'not held' | undefined> {
    const { pid, backendStart } = this.#session.facts;
    const { holder, durationMs } = lease;
    return this.#whileHolding(
      lease,
      (mine) =>
        `${limitWaiting(ENTER_LOCK_TIMEOUT_MS)}
         UPDATE lockstep.fence SET token = GREATEST(token, ${floor}) + 1, claimed_at = pg_catalog.clock_timestamp(),
           pid = ${pid}, backend_start = ${literal(backendStart)}, holder = ${literal(holder)}, lease_ms = ${durationMs}
         WHERE ${mine} RETURNING token`,
    ).catch(async (error: unknown) => {
      throw await fenceLocked(this.#session, error);
    });
  }

  async renew(lease: Lease): Promise<void> {
    // SQL that runs shows that the holder lives, and a query behind it would wait until it is done.
    if (this.#session.busy && !this.#session.isLost) return;
    if ((await this.#tokenHeld(lease)) !== lease.token) throw leaseLost(lease, undefined);
  }

  async release(lease: Lease): Promise<'released' | 'not-held'> {
    // Before the first token the lock is all that there is, and to give up one that it does not have does nothing.
    const isHeld = lease.token === 0 ? !this.#session.isLost : (await this.#tokenHeld(lease)) !== undefined;
    if (!isHeld) return 'not-held';
    const [isReleased] = await this.#session.together(() =>
      Promise.all([unlock(this.#session), this.#word.tell()]),
    );
    this.#mayHoldLock = false;
    return isReleased ? 'released' : 'not-held';
  }

  onRelease(told: () => void): boolean {
    return this.#word.onWord(told);
  }

  async forceRelease(target: string): Promise<LeaseRecord | undefined> {
    const found = await this.#find(target);
    if (found?.lockedBy) await this.#end(found.lockedBy);
    return found?.record;
  }

  async #find(target: string): Promise<Found | undefined> {
    // In this order: a session enters the fence only after it has the lock.
    const [lockedBy, fence] = await this.#session.together(() => {
      this.#word.listen();
      return Promise.all([lockHolder(this.#session), readFence(this.#session)]);
    });
    this.#readsOfFound = 0;
    const record = lockedBy ? heldRecord(target, lockedBy, fence) : fence && freeRecord(target, fence);
    this.#found = record && { record, lockedBy, fence };
    return this.#found;
  }

  /** One try; another one if its holder may be ended: an earlier session of the same holder, or one silent for too long. */
  async #lock({
    target,
    holder,
    takeOver,
  }: AcquireRequest): Promise<'locked' | { tookOverFrom: string } | { heldBy: LeaseRecord }> {
    const name = `${PREFIX}${labelOf(holder)}`;
    let ended: LeaseRecord | undefined;
    this.#mayHoldLock = true;
    for (;;) {
      if (await this.#tryLock(name)) {
        this.#found = undefined;
        return ended === undefined || ended.holder === holder ? 'locked' : { tookOverFrom: ended.holder };
      }
      const found = await this.#find(target);
      // Whoever had it a moment ago has released it: try again.
      if (!found?.lockedBy) continue;
      const { record, lockedBy } = found;
      // Before it has entered, its session's name says whose it is.
      const isOwn = record.holder === holder || lockedBy.applicationName === name;
      if ((!isOwn && record.recordVersion !== takeOver) || ended) return { heldBy: record };
      await this.#end(lockedBy);
      ended = isOwn ? { ...record, holder } : record;
    }
  }

  /** Of a session that is the server's own the first token is the proof: it is given in the session that has the lock. */
  #tryLock(name: string): Promise<boolean> {
    return (this.#session.isDirect ? tryLock : tryLockForGood)(this.#session, name);
  }

  /** Returns when the session has given up the lock, or has not for an unusually long time. Throws LS306. */
  async #end(lockedBy: LockedBy): Promise<void> {
    await endSession(this.#session, lockedBy);
    for (let waitedMs = 0; waitedMs < ENDING_TAKES_MS; waitedMs += ENDING_PAUSE_MS) {
      const holder = await lockHolder(this.#session);
      if (holder?.pid !== lockedBy.pid || holder.backendStart !== lockedBy.backendStart) return;
      await this.#sleep(ENDING_PAUSE_MS);
    }
  }

  async #tokenHeld(lease: Lease): Promise<number | undefined> {
    if (this.#isDryRun) return (await holdsLock(this.#session).catch(ifLost)) ? lease.token : undefined;
    const token = await this.#whileHolding(lease, (mine) => `SELECT token FROM lockstep.fence WHERE ${mine}`);
    return typeof token === 'number' ? token : undefined;
  }

  /** The token that the statement gives, if this session holds the lease for this holder and token; undefined of one that is lost. */
  async #whileHolding(
    lease: Lease,
    statement: (mine: string) => string,
  ): Promise<number | 'not held' | undefined> {
    const { pid, backendStart } = this.#session.facts;
    const hasLock = holdingLock(this.#session);
    const entered = `pid = ${pid} AND backend_start = ${literal(backendStart)} AND holder = ${literal(lease.holder)} AND token = ${lease.token}`;
    const mine = lease.token === 0 ? hasLock : `${entered} AND ${hasLock}`;
    const rows = await this.#session.queryLedger(statement(mine)).catch(ifLost);
    return rows && (rows[0] ? Number(rows[0].token) : 'not held');
  }
}

/** With the session, its lock is gone. */
function ifLost(error: unknown): undefined {
  if (error instanceof LockstepError && error.code === 'LS301') return undefined;
  throw error;
}
