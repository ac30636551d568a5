/**
 * Migrate: one attempt. It applies what fits into its time; the workflow calls it again while there is more.
 * Only the execution that holds the lease gets as far as the database, and there only an attempt with the
 * newest token may write.
 */
import { systemClock } from '../lib/adapters/process/clock.ts';
import { LockstepError, NOTHING_CHANGED } from '../lib/core/errors/index.ts';
import { sourceOfBundle } from '../lib/core/plan/index.ts';
import { appliedVerdict } from '../lib/core/rollout/index.ts';
import { Metric, migrateInputSchema, migrateOutputSchema } from '../lib/core/workflow/index.ts';
import { apply } from '../lib/engine/index.ts';
import { loadBundle } from './_runtime/bundle.ts';
import { databaseConfig } from './_runtime/database.ts';
import { sinceMs } from './_runtime/elapsed.ts';
import { engineEvents } from './_runtime/engine-events.ts';
import { handlerFor } from './_runtime/handler.ts';
import { heldLease, leaseStore } from './_runtime/lease.ts';
import { MetricUnit } from './_runtime/observability.ts';
import { DATABASE_SETTINGS, readSettings } from './_runtime/settings.ts';

export const handler = handlerFor({
  name: 'migrate',
  input: migrateInputSchema,
  output: migrateOutputSchema,
  runId: ({ run }) => run.id,
  async run(input, { log, metrics, signal, timeLeftMs }) {
    const { run, plan, restorePoint, progress } = input;
    const { target, ...settings } = readSettings([
      'target',
      'bundlePath',
      'leaseTable',
      'outOfOrder',
      ...DATABASE_SETTINGS,
    ]);
    const leases = leaseStore(settings.leaseTable);
    const held = await heldLease(leases, target, run.execution);
    if (!held) throw notHolder(target);

    const bundle = await loadBundle(settings.bundlePath);
    const { outcome, applied, notApplied } = await apply({
      runId: run.id,
      database: await databaseConfig(settings),
      clock: systemClock,
      leases,
      // Each attempt mints a token of its own, whatever the one before it had.
      lease: { ...held, token: 0 },
      source: sourceOfBundle(bundle),
      toRevision: plan.toRevision ?? undefined,
      phase: plan.phase ?? undefined,
      forceContract: plan.forceContract,
      outOfOrder: settings.outOfOrder,
      planLastEntryId: plan.lastEntryId,
      restorePoint: restorePoint.id,
      signal,
      timeLeftMs,
      on: engineEvents(log),
    });
    metrics.addMetric(Metric.migrationsApplied, MetricUnit.Count, applied.length);

    const facts = {
      run: run.id,
      target,
      bundleDigest: bundle.digest,
      restorePoint: restorePoint.id,
      durationMs: sinceMs(run.startedAt),
    };
    const appliedCount = plan.pendingCount - notApplied.length;
    return {
      ...input,
      progress: { outcome, calls: progress.calls + 1, appliedCount },
      // Not only this attempt's: the run's, which are all that were pending when its plan was made.
      verdict:
        outcome === 'applied'
          ? appliedVerdict(facts, { names: plan.pending, count: plan.pendingCount })
          : null,
    };
  },
});

const notHolder = (target: string) =>
  new LockstepError('LS402', {
    what: `This run does not hold the lease on ${target} any more.`,
    state: NOTHING_CHANGED,
    remedy: 'Nothing is to be done: the workflow makes its plan anew and asks for the lease again.',
    context: { target },
  });
