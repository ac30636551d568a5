/**
 * Acquiring in a process that can wait: try; while another holds, look at the record from time to time; try
 * again when it is free or when its holder has been silent for the whole duration of its lease.
 *
 * A waiter only reads. So the holder's writes never conflict with those who wait, however many they are, and
 * `isNeeded` can be asked between a release and the next acquire: N waiters of a schema that is ready by then
 * go on without taking the lease one after another. Before a take-over it is not asked, because the lease of
 * a dead holder has to be freed by somebody.
 *
 * A store that hears of a release ends a pause early, and nothing else: `isNeeded` is asked before the look then, because
 * mostly whoever released has done it, and what counts is what they find.
 *
 * A store that fails at the first try is reported at once: that is how a wrong setting shows. Once it has
 * answered, failures count as looks that did not happen, until the time is up.
 */
import { type Clock, sleepOrAbort } from '../clock.ts';
import { LockstepError } from '../errors/index.ts';
import { interruptedWhileWaiting, leaseNotObtained, type Waited } from './lease-errors.ts';
import type { Lease, LeaseRecord, LeaseStore } from './lease-store.ts';
import { look, mayTakeOver, type Watch } from './watch.ts';

export type Acquired =
  | {
      readonly kind: 'acquired';
      readonly lease: Lease;
      readonly waitedMs: number;
      readonly tookOverFrom?: string | undefined;
    }
  | { readonly kind: 'not-needed'; readonly waitedMs: number };

export interface AcquireWithin {
  readonly store: LeaseStore;
  readonly target: string;
  readonly holder: string;
  readonly durationMs: number;
  /** How long to wait for others; 0: try once. */
  readonly budgetMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Told after every look that found the lease with another holder; what it throws ends the wait. */
  readonly onWait?: ((waited: Waited) => unknown) | undefined;
  /** Asked when another holder released (or handed on) the lease, and once by who is told of releases: false ends the wait. */
  readonly isNeeded?: (() => Promise<boolean>) | undefined;
  /** Before each try but the first; what it throws ends the wait. */
  readonly beforeTry?: (() => Promise<void>) | undefined;
}

interface Pause {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Waiters look often at first, when the holder is probably about to finish. The actual pause is half to whole. */
const PAUSE: Pause = { firstMs: 100, maxMs: 1000 };
/** Who is told of that looks for a holder that died. */
const PAUSE_WHEN_TOLD: Pause = { firstMs: 1000, maxMs: 2000 };
const GROWS_BY = 1.5;
/** A reason that need not be made: each of many who wait in one process is told at the same time. */
const RELEASED = 'released';
/** However often the word of a release comes: it is heard so seldom at most. */
const LEAST_BETWEEN_WORDS_MS = 100;

/**
 * Throws LS401 when the budget is used up, LS605 when the signal aborts, LS404, and whatever the callbacks throw.
 */
export async function acquireWithin(options: AcquireWithin): Promise<Acquired> {
  const waiter = new Waiter(options);
  let acquired = await waiter.tryAcquire();
  while (acquired === undefined) {
    const isTold = await waiter.pause();
    if (isTold && (await isOver(options))) return waiter.notNeeded();
    const isToAsk = await waiter.look();
    if (isToAsk && !isTold && (await isOver(options))) return waiter.notNeeded();
    if (!waiter.mayAcquire()) continue;
    await options.beforeTry?.();
    acquired = await waiter.tryAcquire();
  }
  return acquired;
}

const isOver = async ({ isNeeded }: AcquireWithin): Promise<boolean> =>
  isNeeded !== undefined && !(await isNeeded());

class Waiter {
  readonly #options: AcquireWithin;
  readonly #startedAtMs: number;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  readonly #pause: Pause;
  #pauseMs: number;
  /** The outcome of the last look that succeeded. */
  #record: LeaseRecord | undefined;
  #watch: Watch | undefined;
  /** The time until which the watch has counted; undefined before the first answer. */
  #countedUntilMs: number | undefined;
  /** Since then, the store failed with this. */
  #failure: LockstepError | undefined;
  /** Aborts at the word of a release since the last look began: then the next one is not waited for. */
  #released = new AbortController();
  /**
   * What is needed was found before it was known that another has the lease. Who is told of the release has to be quick then,
   * and has the server's caches filled by this question.
   */
  #isToAsk: boolean;

  constructor(options: AcquireWithin) {
    this.#options = options;
    const isTold = options.store.onRelease?.(() => this.#released.abort(RELEASED)) ?? false;
    this.#pause = isTold ? PAUSE_WHEN_TOLD : PAUSE;
    this.#pauseMs = this.#pause.firstMs;
    this.#isToAsk = isTold;
    this.#startedAtMs = options.clock.nowMs();
    this.#throwIfAborted();
  }

  waitedMs(): number {
    return this.#options.clock.nowMs() - this.#startedAtMs;
  }

  notNeeded(): Acquired {
    return { kind: 'not-needed', waitedMs: this.waitedMs() };
  }

  /** One try; undefined when another holder has the lease, or the store did not answer. */
  async tryAcquire(): Promise<Acquired | undefined> {
    const { store, target, holder, durationMs } = this.#options;
    const takeOver = this.#holderIsSilent() ? this.#watch?.recordVersion : undefined;
    const beganAtMs = this.#options.clock.nowMs();
    const result = await this.#ask(() => store.tryAcquire({ target, holder, durationMs, takeOver }));
    if (result === undefined) return undefined;
    if (result.answer.kind === 'held') {
      this.#saw(result.answer.record, beganAtMs);
      return undefined;
    }
    return { ...result.answer, waitedMs: this.waitedMs() };
  }

  /** One look; whether it may be that nothing is needed any more. */
  async look(): Promise<boolean> {
    const { store, target, holder, clock } = this.#options;
    const before = this.#record;
    const beganAtMs = clock.nowMs();
    this.#released = new AbortController();
    const result = await this.#ask(() => store.read(target));
    if (result === undefined) return false;
    this.#saw(result.answer, beganAtMs);
    const isToAsk = this.#isToAsk || changedHands(before, this.#record);
    this.#isToAsk = false;
    return isToAsk && this.#record?.holder !== holder;
  }

  /** Also true when an acquire of ours arrived although it was reported as failed. */
  mayAcquire(): boolean {
    const record = this.#record;
    return record?.state !== 'HELD' || record.holder === this.#options.holder || this.#holderIsSilent();
  }

  /** Whether the word of a release ended it. */
  async pause(): Promise<boolean> {
    const { clock, signal, budgetMs, onWait } = this.#options;
    if (this.waitedMs() >= budgetMs) throw this.#failure ?? leaseNotObtained(this.#waited());
    if (this.#record?.state === 'HELD') await onWait?.(this.#waited());
    const { signal: released } = this.#released;
    await this.#sleep(this.#pauseMs, signal ? AbortSignal.any([signal, released]) : released);
    this.#pauseMs = Math.min(this.#pause.maxMs, this.#pauseMs * GROWS_BY);
    if (released.aborted) await this.#sleep(this.#heardAtMs + LEAST_BETWEEN_WORDS_MS - clock.nowMs(), signal);
    this.#throwIfAborted();
    if (released.aborted) this.#heardAtMs = clock.nowMs();
    return released.aborted;
  }

  /** Half to all of it, but not longer than there is a use. */
  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, budgetMs } = this.#options;
    const jitteredMs = ms * (0.5 + clock.random() / 2);
    const sleepMs = Math.ceil(Math.min(jitteredMs, budgetMs - this.waitedMs(), this.#untilSilentMs()));
    if (sleepMs <= 0) return;
    await (signal ? sleepOrAbort(clock, sleepMs, signal) : clock.sleep(sleepMs));
  }

  /** A failure before the first answer, or one that lasts, is thrown; another one is kept for later. */
  async #ask<Answer>(call: () => Promise<Answer>): Promise<{ answer: Answer } | undefined> {
    try {
      const answer = await call();
      this.#failure = undefined;
      return { answer };
    } catch (error) {
      const mayPass = error instanceof LockstepError && error.retryable && this.#countedUntilMs !== undefined;
      if (!mayPass) throw error;
      this.#failure = error;
      return undefined;
    }
  }

  /**
   * A version was read at some time within each look. So its silence counts from the end of the first look
   * that found it to the start of the last one.
   */
  #saw(record: LeaseRecord | undefined, beganAtMs: number): void {
    const before = this.#watch;
    this.#watch = record && look(before, record, beganAtMs - (this.#countedUntilMs ?? beganAtMs));
    const sameVersion = before !== undefined && before.recordVersion === record?.recordVersion;
    this.#countedUntilMs = sameVersion ? beganAtMs : this.#options.clock.nowMs();
    this.#record = record;
  }

  #holderIsSilent(): boolean {
    return this.#record !== undefined && this.#watch !== undefined && mayTakeOver(this.#watch, this.#record);
  }

  /** Until then there is no use in waiting longer; after it, a take-over that failed is tried again at leisure. */
  #untilSilentMs(): number {
    const leftMs = (this.#record?.durationMs ?? 0) - (this.#watch?.unchangedMs ?? 0);
    return leftMs > 0 ? leftMs : Number.POSITIVE_INFINITY;
  }

  #waited(): Waited {
    return {
      target: this.#options.target,
      heldBy: this.#record?.holder ?? '',
      waitedMs: this.waitedMs(),
      silentMs: this.#watch?.unchangedMs ?? 0,
    };
  }

  #throwIfAborted(): void {
    if (this.#options.signal?.aborted) throw interruptedWhileWaiting(this.#options.target);
  }
}

const changedHands = (before: LeaseRecord | undefined, now: LeaseRecord | undefined): boolean =>
  before?.state !== now?.state || before?.holder !== now?.holder;
