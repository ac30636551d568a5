/**
 * A small model of PostgreSQL: sessions that may outlive their clients, an advisory lock bound to one of them, transactions
 * that hold the fence's row and the ledger's keys, index builds that are INVALID until they are done and wait for older
 * transactions, and the end of sessions whose client is gone. It takes the product's own messages (statements.ts).
 *
 * Time is virtual, so each wait of a statement is a place where anything else may happen. What the server sees go wrong
 * (two at work at once, a write by a stale attempt) it notes by itself, because it is over when the run has ended.
 */
import type { VirtualClock } from '../support/virtual-clock.ts';
import { Backend } from './backend.ts';
import { Database } from './database.ts';
import type { Invariant, ServerVariant, Violation } from './invariants.ts';

export class Server {
  readonly time: VirtualClock;
  readonly random: () => number;
  /** Longest time of a statement of a migration. */
  readonly sqlMs: number;
  readonly variant: ServerVariant;
  readonly database = new Database();
  readonly backends = new Set<Backend>();
  readonly violations: Violation[] = [];
  readonly #poison: Poison | undefined;
  messages = 0;
  /** An error of the model itself, such as a message that it does not know. */
  broken: unknown;
  #pids = 100;
  #changed = new Set<() => void>();

  constructor(time: VirtualClock, random: () => number, options: ServerOptions) {
    this.time = time;
    this.random = random;
    this.sqlMs = options.sqlMs;
    this.variant = options.variant;
    this.#poison = options.poison;
  }

  open(applicationName: string, onEnd: () => void): Backend {
    this.#pids += 1;
    const backend = new Backend(this, this.#pids, applicationName, onEnd);
    this.backends.add(backend);
    return backend;
  }

  isPoisoned(revision: string | undefined, at: Poison['at']): boolean {
    return this.#poison?.revision === revision && this.#poison?.at === at;
  }

  violates(of: Invariant, seen: unknown): void {
    this.violations.push({ of, seen });
  }

  /** A lock may be free now, or a transaction over. */
  notify(): void {
    const waiting = [...this.#changed];
    this.#changed.clear();
    for (const wake of waiting) wake();
  }

  nextChange(): Promise<void> {
    return new Promise((resolve) => this.#changed.add(resolve));
  }
}

export interface ServerOptions {
  readonly sqlMs: number;
  readonly variant: ServerVariant;
  readonly poison: Poison | undefined;
}

/** The migration that fails, and where: in its own statement, or when all of them are done. */
export interface Poison {
  readonly revision: string;
  readonly at: 'statement' | 'COMMIT';
}
