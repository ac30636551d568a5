/**
 * The word that the lock was given up, by which those who wait are woken in the server's database. It is a hint and
 * nothing else: it may come late, twice, without a release (anybody may send it), or never (of a session that is
 * killed, behind a pooler, when the server's queue is full), and so whoever hears it only looks sooner than it would.
 *
 * Who listens must have no transaction that lasts: the server keeps what it has not told to the slowest of them. So
 * one listens while it waits, idle between two looks, and no longer when it has the lock.
 */
import type { Session } from './session.ts';

/** Of this database, as the lock is. */
const CHANNEL = 'lockstep_lock_released';

export class ReleaseWord {
  readonly #session: Session;
  #isAskedFor = false;
  #listens = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Only of a session that is there for its own answers: a pooler gives them to somebody else, and a standby sends none. */
  onWord(told: () => void): boolean {
    const { isDirect, facts } = this.#session;
    this.#isAskedFor = isDirect && !facts.readOnly;
    if (!this.#isAskedFor) return false;
    this.#session.onNotification((channel) => {
      if (channel === CHANNEL) told();
    });
    return true;
  }

  /** Sent before the look that comes next, which then cannot miss a release: either it sees it, or the word comes after. */
  listen(): void {
    if (!this.#isAskedFor || this.#listens) return;
    this.#listens = true;
    void this.#session.query(`LISTEN ${CHANNEL}`).catch(() => undefined);
  }

  async unlisten(): Promise<void> {
    if (!this.#listens) return;
    this.#listens = false;
    await this.#session.query(`UNLISTEN ${CHANNEL}`);
  }

  /** In a message of its own, so that the lock is given up all the same when it fails. */
  async tell(): Promise<void> {
    if (!this.#session.facts.readOnly) await this.#session.query(`NOTIFY ${CHANNEL}`).catch(() => undefined);
  }
}
