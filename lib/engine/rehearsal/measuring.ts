/** Measures each step of a run, around it. */
import { type Change, lookAtLocks, type Session } from '../../adapters/postgres/index.ts';
import {
  readDatabaseBytes,
  readFootprint,
  readStepLocks,
  readWalBytes,
} from '../../adapters/postgres/rehearsal.ts';
import type { Clock } from '../../core/clock.ts';
import { wantedBy } from '../../core/locks/index.ts';
import { migrationName, type Statement, type Step } from '../../core/plan/index.ts';
import {
  builtIn,
  heldIn,
  type RehearsedStep,
  type RelationFile,
  rewrittenIn,
  waitsIn,
} from '../../core/rehearsal/index.ts';
import type { AroundStep } from '../types.ts';
import type { Probes } from './probes.ts';
import { Sightings } from './sightings.ts';

interface Before {
  readonly relations: readonly RelationFile[];
  readonly databaseBytes: number;
  readonly walBytes: number | null;
}

interface During {
  readonly sightings: Sightings;
  readonly durationMs: number;
}

export class Measuring {
  readonly steps: RehearsedStep[] = [];
  readonly #session: Session;
  readonly #probes: Probes;
  readonly #clock: Clock;
  #failure: unknown;

  constructor(session: Session, probes: Probes, clock: Clock) {
    this.#session = session;
    this.#probes = probes;
    this.#clock = clock;
  }

  /** Throws what kept it from measuring. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  readonly around: AroundStep = async (change, step, pid, work) => {
    const before = await this.#noting(this.#before(step));
    const ended = new AbortController();
    const sightings = new Sightings(this.#session, this.#clock);
    const onLocks = (oids: readonly string[]) => this.#probe(before.relations, oids);
    // What goes wrong with it is told at the end.
    const watching = this.#noting(sightings.watch(pid, ended.signal, onLocks)).catch(() => undefined);
    const startedMs = this.#clock.nowMs();
    try {
      const result = await work();
      const durationMs = Math.round(this.#clock.nowMs() - startedMs);
      ended.abort();
      await watching;
      this.steps.push(await this.#noting(this.#after(change, step, before, { sightings, durationMs })));
      return result;
    } finally {
      ended.abort();
      await watching;
    }
  };

  /** The run may mend by itself what it meets: what was not measured stays so. */
  async #noting<Result>(measuring: Promise<Result>): Promise<Result> {
    try {
      return await measuring;
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  async #before(step: Step): Promise<Before> {
    const session = this.#session;
    const relations = await readFootprint(session);
    const wanted = wantedBy(statementsOf(step));
    const named = wanted.length === 0 ? [] : (await lookAtLocks(session, wanted)).relations;
    const oids = named.map(({ oid }) => oid);
    await this.#probe(relations, oids);
    const databaseBytes = await readDatabaseBytes(session);
    return { relations, databaseBytes, walBytes: await readWalBytes(session) };
  }

  /** The largest first, if there are more than can be probed. */
  async #probe(relations: readonly RelationFile[], oids: readonly string[]): Promise<void> {
    const tables = relations
      .filter((relation) => oids.includes(relation.oid) && isTable(relation))
      .toSorted((a, b) => b.bytes - a.bytes);
    await this.#probes.include(tables.map(({ name }) => name));
  }

  async #after(change: Change, step: Step, before: Before, during: During): Promise<RehearsedStep> {
    const { sightings, durationMs } = during;
    const { relations, databaseBytes, walBytes } = before;
    const session = this.#session;
    // Nothing is locked any more: whoever waits goes on.
    const waits = waitsIn(await this.#probes.take());
    const after = await readFootprint(session);
    const bytes = await readDatabaseBytes(session);
    const wal = await readWalBytes(session);
    const recorded = await readStepLocks(session, change, step);
    const found = { recorded, seen: sightings.locksOn(relations) };
    const locks = heldIn(found, relations, change.script, statementsOf(step));
    return {
      migration: migrationName(change),
      step: step.index + 1,
      steps: change.steps.length,
      kind: step.kind,
      durationMs,
      locks,
      waits,
      notProbed: this.#notProbed(relations, locks),
      rewritten: rewrittenIn(relations, after),
      indexes: builtIn(relations, after),
      growthBytes: bytes - databaseBytes,
      peakBytes: Math.max(sightings.peakBytes, bytes) - databaseBytes,
      walBytes: wal === null || walBytes === null ? null : wal - walBytes,
    };
  }

  #notProbed(relations: readonly RelationFile[], locks: RehearsedStep['locks']): string[] {
    return relations
      .filter((relation) => isTable(relation) && locks.some((lock) => lock.relation === relation.name))
      .map(({ name }) => name)
      .filter((name) => !this.#probes.isProbed(name));
  }
}

/** What can be locked by its name, as the app would. */
const isTable = ({ kind }: RelationFile): boolean => kind === 'table' || kind === 'partitioned';

const statementsOf = (step: Step): readonly Statement[] =>
  step.kind === 'transaction' ? step.statements : [step.statement];
