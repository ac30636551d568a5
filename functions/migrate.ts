/**
 * Migrate: one attempt. It applies what fits into its time; the workflow calls it again while there is more. Where
 * there are tasks for long work, it is called after a task, too, and says how that ended.
 * Only the execution that holds the lease gets as far as the database, and there only an attempt with the
 * newest token may write.
 */
import { LockstepError } from '../lib/core/errors/index.ts';
import { appliedVerdict } from '../lib/core/rollout/index.ts';
import {
  Metric,
  type MigrateInput,
  type MigrateOutput,
  migrateInputSchema,
  migrateOutputSchema,
} from '../lib/core/workflow/index.ts';
import { apply, readSlowestMigrations } from '../lib/engine/index.ts';
import { sinceMs } from './_runtime/elapsed.ts';
import { handlerFor, type Invocation } from './_runtime/handler.ts';
import { LongWork } from './_runtime/long-work.ts';
import {
  ATTEMPT_SETTINGS,
  type AttemptSettings,
  openAttempt,
  taskInputOf,
} from './_runtime/migrate-attempt.ts';
import { MetricUnit } from './_runtime/observability.ts';
import { readSettings } from './_runtime/settings.ts';

export const handler = handlerFor({
  name: 'migrate',
  input: migrateInputSchema,
  output: migrateOutputSchema,
  runId: ({ run }) => run.id,
  async run(input, invocation) {
    const { metrics, signal, timeLeftMs } = invocation;
    const settings = readSettings(ATTEMPT_SETTINGS);
    if (settings.foreignCommand !== undefined) return migrateByCommand(input, invocation, settings);
    const attempt = await openAttempt(taskInputOf(input), settings, invocation);
    if (attempt.bundle.digest !== input.plan.bundleDigest) throw otherMigrations();
    const long = new LongWork(input, attempt, timeLeftMs, settings.taskTimeoutSeconds !== undefined);
    await long.lookAtTask(signal);
    const restoreRecord = input.restorePoint.record;
    // A run that others waited for may have failed while this one took its restore point, or waited for the lease. Whoever
    // approved this one meanwhile may have mended that.
    const isWaiting = input.progress.calls === 0 && input.approval?.status !== 'approved';
    const waitingSinceMs = isWaiting ? Date.parse(input.run.startedAt) : undefined;
    const result = await apply({
      ...attempt.options,
      ...long.options,
      restoreRecord,
      waitingSinceMs,
      signal,
    });
    metrics.addMetric(Metric.migrationsApplied, MetricUnit.Count, result.applied.length);

    const { run, plan, restorePoint } = input;
    const progress = {
      outcome: result.outcome,
      calls: input.progress.calls + 1,
      appliedCount: plan.pendingCount - result.notApplied.length,
    };
    const goesOn = await long.next(result, progress);
    if (result.outcome !== 'applied') return { ...input, ...goesOn, verdict: null };
    const facts = {
      run: run.id,
      target: settings.target,
      bundleDigest: attempt.bundle.digest,
      restorePoint: restorePoint.id,
      approvedBy: input.approval?.by ?? undefined,
      durationMs: sinceMs(run.startedAt),
      // Everything is applied: that it cannot be told what took how long is no reason to fail.
      slowest: await readSlowestMigrations({ ...attempt.options, signal }).catch(() => []),
    };
    // Not only what this attempt applied: what the run did, which is all that was pending when its plan was made.
    const verdict = appliedVerdict(facts, { names: plan.pending, count: plan.pendingCount });
    return { ...input, ...goesOn, verdict };
  },
});

/** What was approved, rehearsed and is told of in the verdict are those of the plan. */
const otherMigrations = () =>
  new LockstepError('LS505', {
    what: 'The functions have been deployed with other migrations since the plan was made.',
    state: 'This attempt changed nothing; what the run had applied before stays.',
    remedy: 'Nothing is to be done: the workflow makes a new plan by itself.',
  });

async function migrateByCommand(
  input: MigrateInput,
  { metrics, signal }: Invocation,
  settings: AttemptSettings,
): Promise<MigrateOutput> {
  const { commandStep } = await import('./_runtime/foreign-command.ts');
  const output = await commandStep(input, settings, settings.foreignCommand ?? '', signal);
  metrics.addMetric(Metric.migrationsApplied, MetricUnit.Count, output.progress.appliedCount);
  return output;
}
