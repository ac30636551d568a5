/**
 * `up --dry-run`: everything pending that can be in a transaction is executed in one, in order, under the lease, and
 * rolled back. Nothing is written to the ledger, which need not be there. The locks are really taken, and kept until
 * the end. What a transaction cannot hold is left out and said.
 */
import {
  advancedSequences,
  beginDryRun,
  type Change,
  type DryRun,
  endDryRun,
  tryBatches,
  tryStep,
} from '../adapters/postgres/index.ts';
import { LockstepError } from '../core/errors/index.ts';
import {
  compareRevisions,
  type LedgerState,
  migrationName,
  type Plan,
  type Step,
} from '../core/plan/index.ts';
import type { Attempt } from './attempt.ts';
import { pendingChanges } from './changes.ts';
import { runExclusively } from './exclusively.ts';
import { acceptablePlan, loadPending } from './migrate.ts';
import { planOn, refuseHalfReverted } from './planning.ts';
import type { MigrateOptions } from './types.ts';

export interface DryRunResult {
  readonly plan: Plan;
  /** In order: those of which every statement was tried or left out. */
  readonly tried: readonly { readonly migration: string; readonly durationMs: number }[];
  readonly leftOut: readonly LeftOut[];
  /** Pending ones behind a place where a dry run cannot go on. */
  readonly notTried: readonly string[];
  /** They have gone on, as PostgreSQL does not roll that back. */
  readonly sequences: readonly string[];
}

export interface LeftOut {
  readonly migration: string;
  /** From 1. */
  readonly step: number;
  /** Completes "step 2 of 0042_add_index was not tried: ". */
  readonly why: string;
}

/** Throws LS2xx to LS5xx as `migrate` does, LS614 for the first migration that fails. */
export function dryRun(options: MigrateOptions): Promise<DryRunResult> {
  let found: Plan | undefined;
  return runExclusively<DryRunResult>(
    { ...options, isDryRun: true },
    {
      async look(session) {
        const { plan } = await acceptablePlan(session, options);
        found = plan;
        if (plan.outcome === 'pending') return undefined;
        return { plan, tried: [], leftOut: [], notTried: [], sequences: [] };
      },
      prepare: () => loadPending(options.source, found),
      work: (attempt) => tryPending(attempt, options),
    },
  );
}

async function tryPending(attempt: Attempt, options: MigrateOptions): Promise<DryRunResult> {
  const { session } = attempt;
  const { plan, ledger } = await planOn(session, options);
  refuseHalfReverted(ledger);
  const changes = await pendingChanges(options.source, plan, ledger, attempt);
  const run = await beginDryRun(session);
  const tries = await rolledBack(attempt, () => new Tries(attempt, run, ledger).all(changes));
  return { plan, ...tries, sequences: await advancedSequences(session, run) };
}

async function rolledBack<T>(attempt: Attempt, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await attempt.explain(error);
  } finally {
    await endDryRun(attempt.session);
  }
}

/** PostgreSQL: unsafe use of a new value of an enum. */
const NEEDS_COMMIT = '55P04';

class Tries {
  readonly #attempt: Attempt;
  readonly #run: DryRun;
  readonly #ledger: LedgerState;
  readonly #leftOut: LeftOut[] = [];

  constructor(attempt: Attempt, run: DryRun, ledger: LedgerState) {
    this.#attempt = attempt;
    this.#run = run;
    this.#ledger = ledger;
  }

  async all(changes: readonly Change[]): Promise<Omit<DryRunResult, 'plan' | 'sequences'>> {
    const { clock } = this.#attempt;
    const tried: { migration: string; durationMs: number }[] = [];
    for (const [index, change] of changes.entries()) {
      const startedMs = clock.nowMs();
      if (!(await this.#tryOne(change))) {
        const notTried = changes.slice(index + 1).map(migrationName);
        return { tried, leftOut: this.#leftOut, notTried };
      }
      tried.push({ migration: migrationName(change), durationMs: clock.nowMs() - startedMs });
    }
    return { tried, leftOut: this.#leftOut, notTried: [] };
  }

  /** False where the dry run cannot go on. */
  async #tryOne(change: Change): Promise<boolean> {
    const done = change.kind === 'repeatable' ? [] : this.#stepsDone(change);
    for (const step of change.steps.filter(({ index }) => !done.includes(index))) {
      this.#attempt.throwIfEnded();
      try {
        await this.#tryStep(change, step);
      } catch (error) {
        if (!(error instanceof LockstepError)) throw error;
        if (error.context.sqlstate !== NEEDS_COMMIT) throw wouldFail(error, this.#leftOut);
        this.#leaveOut(
          change,
          step,
          'it uses a value that was added to an enum, which has to be committed first',
        );
        return false;
      }
    }
    return true;
  }

  #stepsDone({ revision }: Change): readonly number[] {
    const { partial } = this.#ledger;
    return partial.find((p) => compareRevisions(p.revision, revision) === 0)?.stepsDone ?? [];
  }

  async #tryStep(change: Change, step: Step): Promise<void> {
    const { session, timeLeftMs } = this.#attempt;
    switch (step.kind) {
      case 'transaction':
        return tryStep(session, this.#run, change, step, timeLeftMs());
      case 'batches':
        await tryBatches(session, this.#run, change, step, timeLeftMs());
        this.#leaveOut(change, step, 'a back-fill in batches is tried on no row');
        return;
      case 'alone':
        this.#leaveOut(change, step, 'PostgreSQL refuses the statement in a transaction');
        return;
      default:
        step satisfies never;
    }
  }

  #leaveOut(change: Change, { index }: Step, why: string): void {
    this.#leftOut.push({ migration: migrationName(change), step: index + 1, why });
  }
}

/** Of what `up` would fail with. That it has committed something has to be said as it is. */
function wouldFail(error: LockstepError, leftOut: readonly LeftOut[]): LockstepError {
  if (error.name !== 'MigrationFailedError' || error.code === 'LS602') return error;
  const before = leftOut.at(-1);
  const perhaps = before
    ? ` It may also be a consequence of step ${before.step} of ${before.migration}, which a dry run leaves out.`
    : '';
  return new LockstepError('LS614', {
    what: error.what,
    state: 'Nothing is changed: everything that was tried is rolled back.',
    remedy: `${error.remedy}${perhaps}`,
    position: error.position,
    context: { ...error.context, code: error.code },
    cause: error,
  });
}
