/**
 * Time that moves only when everything that runs waits for it: an hour of waiting takes milliseconds, and the
 * order of events is the same each time. For code whose every wait is a `sleep` of a clock made here.
 */
import type { Clock } from '../../lib/core/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly wake: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #timers: Timer[] = [];
  readonly #random: () => number;

  constructor(random: () => number = () => 0.5) {
    this.#random = random;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  random(): number {
    return this.#random();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const timer = { atMs: this.#nowMs + ms, wake };
      this.#timers.push(timer);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The same passing of time as another host shows it. */
  as(offsetMs: number): Clock {
    return {
      nowMs: () => this.#nowMs + offsetMs,
      sleep: (ms, signal) => this.sleep(ms, signal),
      random: () => this.#random(),
    };
  }

  /** Lets time pass until `limitMs` have passed or, without a limit, until nobody waits any more. */
  async run(limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    for (;;) {
      await settled();
      const next = this.#timers.reduce<Timer | undefined>(
        (first, timer) => (first === undefined || timer.atMs < first.atMs ? timer : first),
        undefined,
      );
      if (next === undefined || next.atMs > endMs) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
    if (Number.isFinite(endMs)) this.#nowMs = endMs;
  }

  /** The outcome of `work`, while time passes as fast as it can. */
  async finish<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    await this.run();
    return work;
  }
}

/** Microtasks all run before the next turn of the event loop. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
