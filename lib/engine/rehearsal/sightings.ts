/** What another session sees of a step while it runs: its strong locks, and how large the database is. */
import type { Session } from '../../adapters/postgres/index.ts';
import { readDatabaseBytes, readStrongLocks } from '../../adapters/postgres/rehearsal.ts';
import { type Clock, sleepOrAbort } from '../../core/clock.ts';
import { type StrongMode, stronger } from '../../core/locks/index.ts';
import type { FoundLock, RelationFile } from '../../core/rehearsal/index.ts';

const LOOK_EVERY_MS = 20;
/** Looks between two at the size of the database, for which the server looks at each of its files. */
const LOOKS_PER_SIZE = 10;

interface Sighted {
  readonly mode: StrongMode;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export class Sightings {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #byOid = new Map<string, Sighted>();
  /** Of the database; 0 before the first look at it. */
  peakBytes = 0;

  constructor(session: Session, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  /** Until the signal aborts. Throws LS3xx, and what `onLocks` throws. */
  async watch(pid: number, signal: AbortSignal, onLocks: (oids: readonly string[]) => Promise<void>) {
    for (let looks = 1; !signal.aborted; looks += 1) {
      await onLocks(await this.#look(pid));
      if (looks % LOOKS_PER_SIZE === 0)
        this.peakBytes = Math.max(this.peakBytes, await readDatabaseBytes(this.#session));
      await sleepOrAbort(this.#clock, LOOK_EVERY_MS, signal);
    }
  }

  async #look(pid: number): Promise<string[]> {
    const nowMs = this.#clock.nowMs();
    const locks = await readStrongLocks(this.#session, pid);
    for (const { oid, mode } of locks) {
      const known = this.#byOid.get(oid) ?? { mode, sinceMs: nowMs };
      const untilMs = this.#clock.nowMs();
      this.#byOid.set(oid, { ...known, mode: stronger(known.mode, mode), untilMs });
    }
    return locks.map(({ oid }) => oid);
  }

  /** Of relations that were there before; an index that is locked with its table keeps nobody from more. */
  locksOn(relations: readonly RelationFile[]): FoundLock[] {
    return relations.flatMap(({ oid, name, tableOid }) => {
      if (tableOid !== null && this.#byOid.has(tableOid)) return [];
      const found = this.#byOid.get(oid);
      return found
        ? [{ relation: name, mode: found.mode, heldMs: Math.round(found.untilMs - found.sinceMs) }]
        : [];
    });
  }
}
