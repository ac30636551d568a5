/**
 * Long work, from the side of the function: which migrations it leaves to a task, and what it makes of a task that has
 * ended. The function decides, always; a task only makes progress.
 *
 * What is too long: what the author expects to be, what was measured in another database, and what did not fit into
 * a whole call of this function. Where there are no tasks, nothing is too long; a migration that would not fit into
 * the rest of this call is left to the next one.
 */
import { heldLease, type LeaseStore } from '../../lib/core/lease/index.ts';
import {
  type Measurement,
  type Migration,
  migrationName,
  neededMs,
  type Place,
  placeOf,
} from '../../lib/core/plan/index.ts';
import { type RecordedRun, refuseMoreTasks, taskFailure, whyStopped } from '../../lib/core/rollout/index.ts';
import {
  type MigrateInput,
  type MigrateProgress,
  TASK_START_SECONDS,
} from '../../lib/core/workflow/index.ts';
import { type ApplyOptions, type ApplyResult, readLastRun } from '../../lib/engine/index.ts';
import { type MigrateAttempt, notHolder, taskInputOf } from './migrate-attempt.ts';

/** To say, after the SQL was cancelled, that a task goes on. */
const TO_HAND_OVER_MS = 2_000;

interface GoesOn {
  readonly plan: MigrateInput['plan'];
  readonly progress: MigrateProgress;
}

export class LongWork {
  readonly #input: MigrateInput;
  readonly #attempt: MigrateAttempt;
  readonly #hasTask: boolean;
  readonly #timeLeftMs: () => number;
  /** What a whole call has. */
  readonly #wholeMs: number;
  readonly #byName: ReadonlyMap<string, Migration>;
  /** How the task ended that this call comes after, as the ledger has it. */
  #record: RecordedRun | null = null;

  /** @param timeLeftMs of the call that has just begun */
  constructor(input: MigrateInput, attempt: MigrateAttempt, timeLeftMs: () => number, hasTask: boolean) {
    this.#input = input;
    this.#attempt = attempt;
    this.#hasTask = hasTask;
    this.#byName = new Map(attempt.bundle.migrations.map((m) => [migrationName(m), m]));
    this.#timeLeftMs = hasTask ? () => timeLeftMs() - TO_HAND_OVER_MS : timeLeftMs;
    this.#wholeMs = Math.max(1, Math.floor(this.#timeLeftMs()));
  }

  /** Throws what the task that ended had failed with, if that ends the run; LS3xx. */
  async lookAtTask(signal: AbortSignal): Promise<void> {
    if (!this.#isAfterTask) return;
    this.#record = await readLastRun({ ...this.#attempt.options, signal }, this.#input.run.id);
    const failure = taskFailure(this.#record);
    if (failure) throw failure;
  }

  get options(): Pick<ApplyOptions, 'begins' | 'mayEndIdle' | 'timeLeftMs'> {
    return {
      timeLeftMs: this.#timeLeftMs,
      mayEndIdle: this.#hasTask,
      begins: (migration, finished) =>
        this.#placeOf(this.#byName.get(migration), this.#timeLeftMs(), finished === 0) === 'here',
    };
  }

  /** Where it goes on. For a task the lease is lengthened by the time that one takes to start. Throws LS402, LS404, LS616. */
  async next(result: ApplyResult, progress: MigrateProgress): Promise<GoesOn> {
    const { plan } = this.#input;
    const [first] = result.notApplied;
    if (!this.#hasTask || first === undefined) return { plan, progress };
    const isKnown = this.#placeOf(this.#byName.get(first), this.#wholeMs, true) === 'task';
    const wasTooLong = !isKnown && result.stepsDone === 0;
    const measured = [...this.#measured, { migration: first, durationMs: this.#wholeMs }];
    const idleTasks = this.#isAfterTask ? idleTasksOf(this.#input, result) : 0;
    if (!isKnown && !wasTooLong) return { plan, progress: { ...progress, next: 'function', idleTasks } };
    const caught = this.#input.progress.taskError;
    refuseMoreTasks({ count: idleTasks, record: this.#record, caught: caught && whyStopped(caught) });
    const { leases, options } = this.#attempt;
    await lengthenLease(leases, options.lease.target, this.#input.run);
    return {
      plan: wasTooLong ? { ...plan, measured } : plan,
      progress: { ...progress, next: 'task', task: taskInputOf(this.#input), idleTasks },
    };
  }

  get #isAfterTask(): boolean {
    return this.#hasTask && this.#input.progress.next === 'task';
  }

  get #measured(): readonly Measurement[] {
    return this.#input.plan.measured ?? [];
  }

  #placeOf(migration: Migration | undefined, leftMs: number, isFirst: boolean): Place {
    const needed = migration && neededMs(migration, this.#measured);
    return placeOf(needed, { leftMs, wholeMs: this.#wholeMs, hasTask: this.#hasTask, isFirst });
  }
}

/** In a row, this one included; none when the task has finished a migration. */
function idleTasksOf({ plan, progress }: MigrateInput, { applied, notApplied }: ApplyResult): number {
  const byTask = plan.pendingCount - notApplied.length - applied.length - progress.appliedCount;
  return byTask > 0 ? 0 : (progress.idleTasks ?? 0) + 1;
}

/**
 * Until the task renews it. The holder may acquire again what it holds, with another duration. Throws LS402 when the run
 * does not hold it, LS404.
 */
export async function lengthenLease(
  leases: LeaseStore,
  target: string,
  { execution }: MigrateInput['run'],
): Promise<void> {
  // Of a run that was stopped meanwhile the lease is free, and must stay so.
  const held = await heldLease(leases, target, execution);
  if (!held) throw notHolder(target);
  const durationMs = Math.max(held.durationMs, TASK_START_SECONDS * 1000);
  const request = { target, holder: execution, durationMs };
  if ((await leases.tryAcquire(request)).kind === 'held') throw notHolder(target);
}
