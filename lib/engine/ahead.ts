/**
 * Sending a small migration before the one that runs is answered: the server begins it at once, and this process reads the
 * one answer and writes the next message meanwhile. Of a thousand small migrations that is a fifth of the time, over a
 * network more.
 *
 * Invariants
 * - What was sent ahead does nothing unless the one before is recorded in the ledger: the server skips it when the
 *   transaction before it failed, and its own first statement asks for that row (a COMMIT can fail, too, and leaves no
 *   transaction behind). It asks whether it was sent ahead or not: what is sent does not depend on the time that it takes.
 *   With a fence that has moved on it does nothing either, as any other message.
 * - One at most is ahead, and only when the one before it was quick. A person who interrupts, or a lease that is lost, stops
 *   what runs and what was sent; if that is made before it is stopped, it is told.
 * - Ahead is only what looks at nothing and waits for nobody first (`follows` of a change): a single transaction, no strong
 *   lock that is known of, of which nothing was begun earlier, behind another such one. Nothing is where time is limited, where a step is measured, or behind a pooler.
 *
 * Who is authoritative: the ledger. What can fail: what fails in the change itself; of one whose predecessor failed, what
 * it fails with says nothing and is not told.
 */
import { type Change, runTransactional } from '../adapters/postgres/index.ts';
import { migrationName } from '../core/plan/index.ts';
import type { Attempt } from './attempt.ts';
import type { EngineEvent } from './events.ts';

/** As is the next one, probably. */
const QUICK_MS = 200;

/** Undefined where nothing may be sent ahead. */
export function aheadOf(attempt: Attempt, changes: readonly Change[]): Ahead | undefined {
  const { session, around, timeLeftMs } = attempt;
  if (around || !session.isDirect || timeLeftMs() !== Number.POSITIVE_INFINITY) return undefined;
  return new Ahead(attempt, changes);
}

interface Sent {
  readonly change: Change;
  readonly answered: Promise<void>;
  readonly sentAtMs: number;
}

type Done = Extract<EngineEvent, { kind: 'migration-done' }>;

export class Ahead {
  readonly #attempt: Attempt;
  readonly #followers: ReadonlyMap<Change, Change>;
  #sent: Sent | undefined;
  #isQuick = false;

  constructor(attempt: Attempt, changes: readonly Change[]) {
    this.#attempt = attempt;
    this.#followers = new Map(changes.slice(1).map((change, i) => [changes[i]!, change]));
  }

  /** The answer to this change, which `send` sends if it was not sent ahead. */
  async run(change: Change, send: () => Promise<void>): Promise<void> {
    const { clock, signal } = this.#attempt;
    const startedMs = clock.nowMs();
    const answered = this.#take(change) ?? send();
    if (this.#isQuick && !signal.aborted) this.#sendBehind(change);
    try {
      await answered;
    } catch (error) {
      // Before anything else is sent.
      await this.settled();
      throw error;
    }
    this.#isQuick = clock.nowMs() - startedMs < QUICK_MS;
  }

  /**
   * When nothing is under way that was sent ahead; never throws. What is to be told, if it was made although the attempt
   * had ended.
   */
  async settled(): Promise<Done | undefined> {
    const sent = this.#sent;
    this.#sent = undefined;
    const isMade = await sent?.answered.then(
      () => true,
      () => false,
    );
    if (!sent || !isMade) return undefined;
    const durationMs = this.#attempt.clock.nowMs() - sent.sentAtMs;
    return { kind: 'migration-done', migration: migrationName(sent.change), direction: 'up', durationMs };
  }

  #take(change: Change): Promise<void> | undefined {
    const sent = this.#sent;
    if (sent?.change !== change) return undefined;
    this.#sent = undefined;
    return sent.answered;
  }

  #sendBehind(behind: Change): void {
    const { session, timeLeftMs, clock } = this.#attempt;
    const change = this.#followers.get(behind);
    const [step] = change?.steps ?? [];
    if (!change?.follows || step?.kind !== 'transaction') return;
    const answered = runTransactional(session, change, step, { timeLeftMs: timeLeftMs() });
    answered.catch(() => undefined);
    this.#sent = { change, answered, sentAtMs: clock.nowMs() };
  }
}
