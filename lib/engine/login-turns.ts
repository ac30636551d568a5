/**
 * Of many that start in one process, as for many targets, a few log in at a time: all of them at once would only hold up one
 * another, and the one that gets a lease first would wait with it until all have logged in.
 *
 * Invariant: who is slow, as over a long line or with a server that does not answer, keeps its place for a moment and no
 * longer. What can fail: nothing.
 */
import { type Clock, within } from '../core/clock.ts';

const AT_ONCE = 8;
/** On two cores, the server's among them, a login takes 15 to 30 ms when eight are under way. */
const SLOW_MS = 150;

class Turns {
  #free = AT_ONCE;
  readonly #waiting = new Set<() => void>();

  /** Throws the signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(begin);
        reject(signal.reason as Error);
      };
      this.#waiting.add(begin);
      signal.addEventListener('abort', giveUp);
    });
  }

  give(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

/** By server: one that does not answer is in nobody else's way. */
const TURNS = new Map<string, Turns>();

/** What `login` comes to, when it is its turn. Throws the signal's reason if it aborts before. */
export async function inTurn<T>(
  { clock, server, signal }: { readonly clock: Clock; readonly server: string; readonly signal: AbortSignal },
  login: () => Promise<T>,
): Promise<T> {
  const turns = TURNS.get(server) ?? new Turns();
  TURNS.set(server, turns);
  await turns.take(signal);
  const session = login();
  void within(clock, SLOW_MS, session.then(noResult, noResult)).finally(() => turns.give());
  return session;
}

const noResult = (): undefined => undefined;
