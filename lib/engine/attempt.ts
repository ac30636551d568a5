/**
 * One attempt under a lease that is held: mint → renewals → session → advisory lock → ledger → claim → work. With a lease in
 * PostgreSQL the session is there, its lock is the lease, the ledger comes before the mint, and the mint is the claim.
 *
 * Renewals begin before the session is opened, because a database that wakes up can take longer than the lease.
 * Whatever ends the attempt early (the lease is lost, the caller gives up, time is over) cancels the SQL that runs,
 * and is what the attempt fails with: the cancelled statement's own error says less.
 */
import {
  attemptName,
  cancelRunning,
  endLostSession,
  ensureLedger,
  nameSession,
  type Session,
} from '../adapters/postgres/index.ts';
import { type Clock, sleepOrAbort } from '../core/clock.ts';
import { asLockstepError, type LockstepError } from '../core/errors/index.ts';
import { type Keeping, keepRenewed, type Lease } from '../core/lease/index.ts';
import { DEFAULT_LOCK_WAIT_MS } from '../core/locks/index.ts';
import { interrupted, isTimeOver, outOfTime } from './attempt-time.ts';
import { claimDatabase, lockDatabase } from './enter.ts';
import { watchReplies } from './lost-replies.ts';
import { openSession } from './open-session.ts';
import type { AroundStep, AttemptOptions, Observer } from './types.ts';
import { Watch } from './watch.ts';

export interface Attempt {
  readonly session: Session;
  readonly runId: string;
  readonly holder: string;
  readonly token: number;
  readonly on: Observer;
  /** Until the attempt must have stopped; Infinity for one without a limit. */
  readonly timeLeftMs: () => number;
  /** For how long a step may wait for its locks, if its file says nothing. */
  readonly lockWaitMs: number;
  /** Looks at who blocks whom while SQL runs. */
  readonly watch: Watch;
  readonly around: AroundStep | undefined;
  readonly clock: Clock;
  /** Aborts when something ends the attempt early. */
  readonly signal: AbortSignal;
  /** Throws what ended the attempt early, if something did. */
  throwIfEnded(): void;
  /** What an error means for this attempt; fulfilled when the session can be used again, or is lost. */
  explain(error: unknown): Promise<LockstepError>;
}

/**
 * Runs `work` on the session given, which has to hold the lock already, or on one of the attempt's own.
 * Throws LS3xx, LS401 to LS404, LS604, LS605, and what `work` throws.
 */
export async function withAttempt<T>(
  options: AttemptOptions,
  given: Session | undefined,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const attempt = new RunningAttempt(options);
  try {
    await attempt.enter(given);
    return await work(attempt);
  } catch (error) {
    const explained = await attempt.explain(error);
    if (explained.code === 'LS304') await attempt.endLostSession();
    throw explained;
  } finally {
    await attempt.leave(given);
  }
}

class RunningAttempt implements Attempt {
  readonly runId: string;
  readonly holder: string;
  readonly on: Observer;
  readonly timeLeftMs: () => number;
  readonly lockWaitMs: number;
  readonly watch: Watch;
  readonly around: AroundStep | undefined;
  readonly #options: AttemptOptions;
  readonly #ending = new AbortController();
  #keeping: Keeping | undefined;
  #lease: Lease;
  #session: Session | undefined;
  #cancelling: Promise<void> | undefined;
  #deadline: Promise<void> | undefined;
  readonly #left = new AbortController();
  #replies: Promise<void> | undefined;

  constructor(options: AttemptOptions) {
    const { signal } = options;
    this.#options = options;
    this.#lease = options.lease;
    this.runId = options.runId;
    this.holder = options.lease.holder;
    this.on = options.on ?? (() => undefined);
    this.timeLeftMs = options.timeLeftMs ?? (() => Number.POSITIVE_INFINITY);
    this.lockWaitMs = options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS;
    this.watch = new Watch(options);
    this.around = options.around;
    if (signal?.aborted) this.#giveUp();
    else signal?.addEventListener('abort', this.#giveUp);
  }

  get session(): Session {
    if (!this.#session) throw new Error('the attempt has no session yet');
    return this.#session;
  }

  get token(): number {
    return this.#lease.token;
  }

  async enter(given: Session | undefined): Promise<void> {
    const { signal } = this;
    this.throwIfEnded();
    this.#deadline = this.#endInTime();
    this.#session = given;
    await this.#prepare(given);
    this.throwIfEnded();
    await this.#mint(0);
    this.#session = given ?? (await openSession({ ...this.#options, signal }, this.#name()));
    this.#replies = watchReplies({ ...this.#options, signal: this.#left.signal }, this.session);
    // What is sent next is behind the name, and would not be answered if that were not.
    if (given) nameSession(given, this.#name()).catch(() => undefined);
    else await this.#enterAnew();
    this.throwIfEnded();
    if (!this.#options.isDryRun) this.on({ kind: 'attempt-begun', token: this.token });
  }

  /** The server makes the ledger, if there is none, while this process makes its own part. */
  async #prepare(given: Session | undefined): Promise<void> {
    const { prepare, isDryRun } = this.#options;
    // What is sent first is on its way when this one begins; who has given up meanwhile writes nothing.
    const prepared = Promise.resolve()
      .then(prepare)
      .then(() => this.throwIfEnded());
    const ledger = given && !isDryRun ? ensureLedger(given, prepared) : undefined;
    await Promise.allSettled([prepared, ledger?.whenSent]);
    await prepared;
    if (ledger && !(await ledger.whenSent)) await ledger.whenMade;
  }

  async #enterAnew(): Promise<void> {
    const { session, clock, signal, on, timeLeftMs } = this;
    await lockDatabase({ session, clock, signal, on, timeLeftMs }, this.token, this.#name());
    if (!this.#options.isDryRun) await this.#claim();
  }

  #claim(): Promise<void> {
    const { session, clock, signal, timeLeftMs } = this;
    const lockWaitMs = Math.min(this.lockWaitMs, timeLeftMs());
    return claimDatabase({ session, clock, signal, lockWaitMs }, this.#lease, async (floor) => {
      await this.#mint(floor);
      await nameSession(session, this.#name());
      return this.#lease;
    });
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  throwIfEnded(): void {
    this.#ending.signal.throwIfAborted();
  }

  async explain(error: unknown): Promise<LockstepError> {
    await this.#cancelling;
    const { aborted, reason } = this.#ending.signal;
    const given = asLockstepError(error);
    // Of the same kind it says more: which statement it was, who was in its way.
    return aborted && given.code !== reason.code ? reason : given;
  }

  async endLostSession(): Promise<void> {
    if (this.#session) await endLostSession(this.#session);
  }

  async leave(given: Session | undefined): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#giveUp);
    this.#left.abort();
    await this.#deadline;
    await this.#replies;
    await this.watch.end();
    await this.#keeping?.stop();
    await this.#cancelling;
    // Whoever gets the lease next would have to end it.
    if (this.#session !== given) await this.#session?.end(true);
  }

  #name(): string {
    return attemptName(this.token, this.runId);
  }

  /** A renewal is good only with the newest token, so none may be under way meanwhile. */
  async #mint(floor: number): Promise<void> {
    const { leases: store, clock } = this.#options;
    await this.#keeping?.stop();
    const mintStartedAtMs = clock.nowMs();
    this.#lease = await store.mint(this.#lease, floor);
    const onLost = (error: LockstepError) => this.#end(error);
    this.#keeping = keepRenewed({ store, lease: this.#lease, clock, onLost, mintStartedAtMs });
  }

  /**
   * A statement's own timeout ends one that takes too long, and says which it was. But each statement of a message has
   * a timeout of its own: what they take together ends here.
   */
  async #endInTime(): Promise<void> {
    const { signal } = this.#left;
    for (let leftMs = this.timeLeftMs(); leftMs > 0; leftMs = this.timeLeftMs()) {
      if (leftMs === Number.POSITIVE_INFINITY) return;
      await sleepOrAbort(this.clock, Math.min(leftMs + STATEMENT_ENDS_FIRST_MS, LONGEST_SLEEP_MS), signal);
      if (signal.aborted) return;
    }
    this.#end(outOfTime());
  }

  readonly #giveUp = (): void => this.#end(isTimeOver(this.timeLeftMs) ? outOfTime() : interrupted());

  #end(reason: LockstepError): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(reason);
    if (this.#session) this.#cancelling = cancelRunning(this.#session, this.#options.clock);
  }
}

const STATEMENT_ENDS_FIRST_MS = 250;
/** Longest delay that a timer takes. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;
