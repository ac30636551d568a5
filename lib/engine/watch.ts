/**
 * While SQL runs, a second session looks now and then at who blocks it, whom it blocks, and how far it is. It is opened
 * when a step has run for a while, so that small migrations cost nothing. It looks in autocommit and never for long,
 * because an index build waits for older snapshots, and ends with the attempt.
 * Watching is for people: whatever goes wrong with it ends the watching, and never the migration.
 */
import { connect, lookAtSession, type Session } from '../adapters/postgres/index.ts';
import { sleepOrAbort } from '../core/clock.ts';
import type { Blocker } from '../core/locks/index.ts';
import type { AttemptOptions } from './types.ts';

const WATCH = 'lockstep watch';

/** A step that is over before costs no session. */
const FIRST_LOOK_AFTER_MS = 1_000;
/** Until then. */
const TICK_MS = 500;
/** A build of hours is looked at less often. */
const PAUSE = { leastMs: 1_000, mostMs: 10_000, shareOfRun: 1 / 20 } as const;
const CONNECT_MS = 3_000;
/** An ordinary statement keeps others waiting for as long. */
const LONG_BLOCKING_MS = 1_000;

interface Watched {
  readonly migration: string;
  /** Of the session that runs the SQL. */
  readonly pid: number;
  /** What else there is to look at. */
  readonly look?: Look | undefined;
}

/** One look, on the second session. */
export type Look = (second: Session) => Promise<void>;

type Options = Pick<AttemptOptions, 'database' | 'clock' | 'on'>;

export class Watch {
  readonly #options: Options;
  readonly #ending = new AbortController();
  #watched: Watched | undefined;
  #startedMs = 0;
  #blockers: readonly Blocker[] = [];
  #session: Session | undefined;
  #watching: Promise<void> | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Watches what `work` runs. */
  async during<Result>(watched: Watched, work: () => Promise<Result>): Promise<Result> {
    this.#watched = watched;
    this.#startedMs = this.#options.clock.nowMs();
    this.#blockers = [];
    this.#watching ??= this.#watch().finally(() => this.#session?.end());
    try {
      return await work();
    } finally {
      this.#watched = undefined;
    }
  }

  /** Who was last seen in the way of what runs now, or ran last. */
  get blockers(): readonly Blocker[] {
    return this.#blockers;
  }

  saw(blockers: readonly Blocker[]): void {
    this.#blockers = blockers;
  }

  /** Never throws. */
  async end(): Promise<void> {
    this.#ending.abort();
    // A look that hangs must not keep the attempt from ending.
    await this.#session?.end();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#ending;
    for (let pauseMs: number = TICK_MS; ; ) {
      await sleepOrAbort(clock, pauseMs, signal);
      if (signal.aborted) return;
      pauseMs = TICK_MS;
      const watched = this.#watched;
      const ranMs = clock.nowMs() - this.#startedMs;
      if (!watched || ranMs < FIRST_LOOK_AFTER_MS) continue;
      try {
        await this.#look(watched, ranMs);
      } catch {
        return;
      }
      pauseMs = Math.min(PAUSE.mostMs, Math.max(PAUSE.leastMs, ranMs * PAUSE.shareOfRun));
    }
  }

  async #look(watched: Watched, ranMs: number): Promise<void> {
    const { on } = this.#options;
    // The server ends one that was idle for too long.
    if (!this.#session || this.#session.isLost) this.#session = await this.#connect();
    const { blockedBy, blocks } = await lookAtSession(this.#session, watched.pid);
    // It may have ended meanwhile, and the next one begun.
    if (this.#watched !== watched) return;
    const { migration, look } = watched;
    if (blockedBy.length > 0) {
      this.saw(blockedBy);
      on?.({ kind: 'blocked', migration, blockers: blockedBy, ranMs });
    }
    await look?.(this.#session);
    if (blocks.longestMs >= LONG_BLOCKING_MS) on?.({ kind: 'blocking', migration, ...blocks });
  }

  #connect(): Promise<Session> {
    const { database, clock } = this.#options;
    const config = { ...database, connectBudgetMs: CONNECT_MS };
    return connect({ config, clock, applicationName: WATCH, signal: this.#ending.signal });
  }
}
