/** A transactional step and its locks: who is in the way, waiting for them, trying, and who it was in the end. */
import { type Change, type Look, lookAtLocks, runTransactional } from '../adapters/postgres/index.ts';
import { sleepOrAbort } from '../core/clock.ts';
import { type Blocker, type Patience, patiently, toWaitFor, wantedBy } from '../core/locks/index.ts';
import { migrationName, type Step } from '../core/plan/index.ts';
import type { Ahead } from './ahead.ts';
import type { Attempt } from './attempt.ts';
import { hasTime, outOfTime } from './attempt-time.ts';

type TransactionalStep = Extract<Step, { kind: 'transaction' }>;

/** What tries need of an attempt, without a look at who is in the way. */
export function patienceOf(attempt: Attempt, change: Change): Patience {
  const { clock, signal, on, watch, lockWaitMs } = attempt;
  return {
    lockWaitMs: change.lockWaitMs ?? lockWaitMs,
    nowMs: () => clock.nowMs(),
    random: () => clock.random(),
    sleep: (ms) => sleepOrAbort(clock, ms, signal),
    throwIfEnded: () => attempt.throwIfEnded(),
    hasTime: () => hasTime(attempt),
    onRetry: (retry) =>
      on({ kind: 'lock-retry', migration: migrationName(change), blockers: watch.blockers, ...retry }),
  };
}

/** Runs the step, with its locks waited for and recorded. Throws what its last try failed with, and LS604. */
export async function runPatiently(
  attempt: Attempt,
  change: Change,
  step: TransactionalStep,
  ahead?: Ahead,
): Promise<void> {
  const { session, watch, timeLeftMs } = attempt;
  const locks = new StepLocks(attempt, change, step);
  const patience = { ...patienceOf(attempt, change), ...locks.patience() };
  await patiently(patience, async ({ number: tries, waitedMs }) => {
    const { relations } = locks;
    // What a repeatable object locks is a view or a function of its own, of which nothing is kept.
    const isKept = relations.length > 0 && change.kind !== 'repeatable';
    const record = isKept ? { relations, waitedMs, tries } : undefined;
    const startedMs = attempt.clock.nowMs();
    const send = () => runTransactional(session, change, step, { timeLeftMs: timeLeftMs(), locks: record });
    const run = () => (ahead ? ahead.run(change, send) : send());
    try {
      await watch.during({ migration: migrationName(change), pid: session.facts.pid }, run);
    } catch (error) {
      await locks.lookAfter(startedMs);
      throw error;
    }
  });
}

/** Between two looks, half to whole. */
const PAUSE = { firstMs: 100, factor: 1.5, maxMs: 1_000 } as const;

/** The same blockers; others are told at once. */
const TELL_EVERY_MS = 2_000;

class StepLocks {
  readonly #attempt: Attempt;
  readonly #migration: string;
  readonly #wanted: ReturnType<typeof wantedBy>;
  /** By transaction: when it was first seen in the way. */
  readonly #since = new Map<string, number>();
  relations: Look['relations'] = [];

  constructor(attempt: Attempt, change: Change, { statements }: TransactionalStep) {
    this.#attempt = attempt;
    this.#migration = migrationName(change);
    this.#wanted = wantedBy(statements);
  }

  /** Without a strong lock that is known of there is nothing to look at. */
  patience(): Pick<Patience, 'clear'> {
    return this.#wanted.length === 0 ? {} : { clear: (leftMs) => this.#clear(leftMs) };
  }

  /** Waits with nothing held. Throws LS604 when the attempt's time is over, and what ended it early. */
  async #clear(leftMs: number): Promise<void> {
    const { clock, signal, on, watch } = this.#attempt;
    const startedMs = clock.nowMs();
    let told = { pids: '', atMs: 0 };
    for (let pauseMs: number = PAUSE.firstMs; ; pauseMs = Math.min(PAUSE.maxMs, pauseMs * PAUSE.factor)) {
      this.#attempt.throwIfEnded();
      const blockers = toWaitFor(await this.#look(), this.#seenForMs);
      const waitedMs = clock.nowMs() - startedMs;
      if (blockers.length === 0 || waitedMs >= leftMs) return;
      watch.saw(blockers);
      if (!hasTime(this.#attempt)) throw outOfTime();
      const pids = blockers.map(({ pid }) => pid).join();
      if (pids !== told.pids || waitedMs - told.atMs >= TELL_EVERY_MS) {
        told = { pids, atMs: waitedMs };
        on({ kind: 'waiting-for-locks', migration: this.#migration, blockers, waitedMs });
      }
      await sleepOrAbort(clock, Math.min(pauseMs * (0.5 + clock.random() / 2), leftMs - waitedMs), signal);
    }
  }

  /** After a try that failed: who was in its way, if the watch has not seen it. */
  async lookAfter(startedMs: number): Promise<void> {
    const { watch, signal, session, clock } = this.#attempt;
    if (this.#wanted.length === 0 || watch.blockers.length > 0 || signal.aborted || session.isLost) return;
    const triedMs = clock.nowMs() - startedMs;
    // Those that queued behind the try have the lock now, and were not in its way.
    const wasThere = (blocker: Blocker) =>
      Math.max(blocker.transactionAgeMs ?? 0, this.#seenForMs(blocker)) >= triedMs;
    watch.saw((await this.#look()).filter(wasThere));
  }

  readonly #seenForMs = ({ transaction }: Blocker): number => {
    const nowMs = this.#attempt.clock.nowMs();
    return nowMs - (this.#since.get(transaction) ?? nowMs);
  };

  /** To know who is in the way is of use, but no condition: what the server refuses to tell is left open. */
  async #look(): Promise<readonly Blocker[]> {
    const { session, clock } = this.#attempt;
    try {
      const { relations, blockers } = await lookAtLocks(session, this.#wanted);
      this.relations = relations;
      for (const { transaction } of blockers) {
        if (!this.#since.has(transaction)) this.#since.set(transaction, clock.nowMs());
      }
      return blockers;
    } catch (error) {
      if (session.isLost) throw error;
      return [];
    }
  }
}
