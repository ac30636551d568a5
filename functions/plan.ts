/**
 * Plan: compares the ledger with the bundle, over one session, and writes nothing. Its output is the whole state
 * of the workflow. It is called again when a person has answered whether the plan may be carried out. With nothing pending, ahead, or a dry run, the verdict is in it and no other function runs.
 */
import { systemClock } from '../lib/adapters/process/clock.ts';
import { approvedSoFar } from '../lib/core/approval/index.ts';
import { pendingNames, refusal, sourceOfBundle } from '../lib/core/plan/index.ts';
import { urlOf } from '../lib/core/published/address.ts';
import { Metric, planInputSchema, planOutputSchema } from '../lib/core/workflow/index.ts';
import { readMeasuredPlan } from '../lib/engine/index.ts';
import { BUNDLE_SETTINGS, loadBundle } from './_runtime/bundle.ts';
import { databaseConfig } from './_runtime/database.ts';
import { sinceMs } from './_runtime/elapsed.ts';
import { handlerFor } from './_runtime/handler.ts';
import { MetricUnit } from './_runtime/observability.ts';
import { planOutput } from './_runtime/plan-output.ts';
import { planRehearsal } from './_runtime/plan-rehearsal.ts';
import { DATABASE_SETTINGS, readSettings } from './_runtime/settings.ts';

export const handler = handlerFor({
  name: 'plan',
  input: planInputSchema,
  output: planOutputSchema,
  runId: ({ run }) => run.id,
  async run({ run, request: asked, approval, rehearsal: before }, { log, metrics, signal }) {
    const settings = readSettings([
      'target',
      ...BUNDLE_SETTINGS,
      'restorePointKind',
      'restorePointWhen',
      'outOfOrder',
      'approval',
      'rehearsal',
      'rehearsalBudget',
      'defaultPhase',
      'foreignCommand',
      ...DATABASE_SETTINGS,
    ]);
    if (settings.foreignCommand !== undefined) {
      const { commandPlan } = await import('./_runtime/foreign-command.ts');
      return commandPlan(run, asked, settings, signal);
    }
    const request = { ...asked, phase: asked.phase ?? settings.defaultPhase };
    // Before the database is looked at: a plan that was refused is not made again.
    const approved = approvedSoFar(approval);
    const bundle = await loadBundle(settings, request.bundle);
    const database = await databaseConfig(settings);
    const source = sourceOfBundle(bundle);
    const { plan, ledger, slowest } = await readMeasuredPlan({
      database,
      clock: systemClock,
      signal,
      source,
      toRevision: request.toRevision,
      phase: request.phase,
      forceContract: request.forceContract,
      outOfOrder: settings.outOfOrder,
    });
    const refused = refusal(plan);
    if (refused) throw refused;

    log.info('planned', {
      outcome: plan.outcome,
      pending: pendingNames(plan).length,
      applied: plan.appliedCount,
      toRevision: request.toRevision,
      bundle: request.bundle && urlOf(request.bundle),
      reason: request.reason,
      dryRun: request.dryRun,
    });
    const looked = { database, clock: systemClock, signal };
    const { excesses, state: rehearsal } = await planRehearsal(
      { run, request, before, plan, settings, bundleDigest: bundle.digest },
      looked,
    );
    metrics.addMetric(Metric.migrationsPending, MetricUnit.Count, pendingNames(plan).length);
    metrics.addMetric(Metric.plansWithNothingToDo, MetricUnit.Count, plan.outcome === 'pending' ? 0 : 1);
    return planOutput({
      run,
      request,
      bundle,
      plan,
      ledger,
      slowest,
      excesses,
      rehearsal,
      target: settings.target,
      approval: settings.approval && { setting: settings.approval, approved },
      restorePoint: settings.restorePointKind === 'none' ? 'never' : settings.restorePointWhen,
      durationMs: sinceMs(run.startedAt),
    });
  },
});
