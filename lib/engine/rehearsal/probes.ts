/**
 * The load: for each table that is locked a reader and a writer, each on a session of its own, which again and again take
 * the lock that they would need, and give it back.
 */
import type { Session } from '../../adapters/postgres/index.ts';
import { probe } from '../../adapters/postgres/rehearsal.ts';
import { type Clock, sleepOrAbort } from '../../core/clock.ts';
import { MOST_PROBED, PROBE_EVERY_MS, type Probe, WHO, type Who } from '../../core/rehearsal/index.ts';

export class Probes {
  readonly #open: () => Promise<Session>;
  readonly #clock: Clock;
  readonly #ending = new AbortController();
  readonly #probed = new Set<string>();
  /** The login may not lock them. */
  readonly #failed = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #sessions: Session[] = [];
  readonly #loops: Promise<void>[] = [];
  #done: Probe[] = [];

  constructor(open: () => Promise<Session>, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** Begins with those that are new, as far as there is room. Returns when they are at work. */
  async include(relations: readonly string[]): Promise<void> {
    for (const relation of relations) {
      if (this.#probed.has(relation) || this.#probed.size >= MOST_PROBED) continue;
      this.#probed.add(relation);
      for (const who of WHO) this.#loops.push(this.#repeat(await this.#session(), relation, who));
    }
  }

  isProbed(relation: string): boolean {
    return this.#probed.has(relation) && !this.#failed.has(relation);
  }

  /** Those that were sent since the last call; waits for those that still wait. To be called when no lock is held. */
  async take(): Promise<readonly Probe[]> {
    await Promise.all(this.#underWay);
    const done = this.#done;
    this.#done = [];
    return done;
  }

  /** Never throws, and waits for no lock. */
  async end(): Promise<void> {
    this.#ending.abort();
    for (const session of this.#sessions) session.destroy();
    await Promise.all(this.#loops);
  }

  async #session(): Promise<Session> {
    const session = await this.#open();
    this.#sessions.push(session);
    return session;
  }

  async #repeat(session: Session, relation: string, who: Who): Promise<void> {
    const { signal } = this.#ending;
    for (let isOver = false; !isOver && !signal.aborted; ) {
      const probing = this.#probe(session, relation, who);
      this.#underWay.add(probing);
      isOver = await probing;
      this.#underWay.delete(probing);
      await sleepOrAbort(this.#clock, PROBE_EVERY_MS, signal);
    }
  }

  /** Whether it was the last one of its kind. */
  async #probe(session: Session, relation: string, who: Who): Promise<boolean> {
    const startedMs = this.#clock.nowMs();
    try {
      const found = await probe(session, relation, who);
      // Who waits for a table that is dropped waits, too.
      const waitedMs = found === 'gone' ? Math.round(this.#clock.nowMs() - startedMs) : found;
      this.#done.push({ relation, who, waitedMs });
      return found === 'gone';
    } catch {
      this.#failed.add(relation);
      return true;
    }
  }
}
