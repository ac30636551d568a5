/**
 * Time and chance, as the core gets them: one value, so that a test can put a clock of its own in their place.
 * There is no wall clock in it: decisions are made from differences of one host's monotonic time only.
 */
export interface Clock {
  /** Monotonic milliseconds; only the difference of two readings of the same clock means anything. */
  nowMs(): number;
  /** Resolves after `ms`; rejects with an AbortError as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** At least 0, below 1. */
  random(): number;
}

/** Sleeps for `ms`, or until `signal` aborts; the caller looks at the signal. */
export async function sleepOrAbort(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What `work` comes to, or `late` when that takes more than `limitMs`: then nobody hears any more how it ends. */
export async function within<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T | 'late'> {
  const over = new AbortController();
  const late = sleepOrAbort(clock, limitMs, over.signal).then(() => 'late' as const);
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}
