/** For how long to wait for locks, and when to try again. */
import { LockstepError } from '../errors/index.ts';

/** Everybody who comes later queues behind a statement that waits for a strong lock. */
export const DEFAULT_LOCK_TIMEOUT_MS = 2_000;
/** In all, for one step: outside the server before it tries, and in tries. */
export const DEFAULT_LOCK_WAIT_MS = 60_000;

/** One that has lasted this long is not expected to be over within a try. */
const LONG_TRANSACTION_MS = 1_000;
export const isLongTransaction = (ageMs: number): boolean => ageMs >= LONG_TRANSACTION_MS;

/** SQLSTATEs of a try that met others: lock not available, deadlock, serialization failure. */
export const LOCK_NOT_AVAILABLE = '55P03';
export const DEADLOCK = '40P01';
const MET_OTHERS: readonly string[] = [LOCK_NOT_AVAILABLE, DEADLOCK, '40001'];

export const sqlstateOf = (error: unknown): string =>
  error instanceof LockstepError ? String(error.context.sqlstate ?? '') : '';

/** Half to one and a half of it is slept. */
const PAUSE = { firstMs: 200, factor: 2, mostMs: 5_000 } as const;

/** What a patient sender needs of the attempt that it works for. */
export interface Patience {
  readonly lockWaitMs: number;
  nowMs(): number;
  /** Milliseconds, cut short when the attempt ends. */
  sleep(ms: number): Promise<void>;
  /** At least 0, below 1. */
  random(): number;
  /** Throws what ended the attempt early, if something did. */
  throwIfEnded(): void;
  /** Whether there is time for another try. */
  hasTime(): boolean;
  /** Before each try: waits outside any transaction until nobody is in the way, or for so long. */
  clear?(leftMs: number): Promise<void>;
  onRetry?(retry: Retry): void;
}

export interface Retry {
  readonly sqlstate: string;
  /** Those that were made. */
  readonly tries: number;
  readonly pauseMs: number;
}

/** The number of this try, from 1, and what was waited before it. */
export interface Try {
  readonly number: number;
  readonly waitedMs: number;
}

/**
 * Sends again what met others, with growing pauses, until lockWaitMs is used up; `send` has to leave nothing behind
 * when it fails. Throws what the last try failed with.
 */
export async function patiently<Result>(
  patience: Patience,
  send: (attempt: Try) => Promise<Result>,
): Promise<{ readonly result: Result; readonly tries: number }> {
  const startedMs = patience.nowMs();
  const leftMs = () => patience.lockWaitMs - (patience.nowMs() - startedMs);
  for (let tries = 1; ; tries += 1) {
    await patience.clear?.(leftMs());
    patience.throwIfEnded();
    try {
      const result = await send({ number: tries, waitedMs: patience.nowMs() - startedMs });
      return { result, tries };
    } catch (error) {
      const sqlstate = sqlstateOf(error);
      const pauseMs = pauseAfter(tries, patience.random());
      const isOver = leftMs() <= pauseMs || !patience.hasTime();
      if (!MET_OTHERS.includes(sqlstate) || isOver) throw error;
      patience.throwIfEnded();
      patience.onRetry?.({ sqlstate, tries, pauseMs });
      await patience.sleep(pauseMs);
    }
  }
}

const pauseAfter = (tries: number, random: number): number =>
  Math.min(PAUSE.mostMs, PAUSE.firstMs * PAUSE.factor ** (tries - 1)) * (0.5 + random);
