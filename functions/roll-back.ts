/**
 * Roll back: builds the verdict of a run that failed, after reverting what the run had applied, if that is the
 * policy. The schema is touched only while this run holds the lease; the ledger says what is to be reverted,
 * and what stays if that fails. A revert that fails is reported in the verdict, never thrown: so the lease is
 * released and "roll back" is signalled in any case.
 */
import { systemClock } from '../lib/adapters/process/clock.ts';
import { sourceOfBundle } from '../lib/core/plan/index.ts';
import { failedVerdict, type Reversion, runErrorOf } from '../lib/core/rollout/index.ts';
import { Metric, type Run, rollBackInputSchema, rollBackOutputSchema } from '../lib/core/workflow/index.ts';
import { type DatabaseConfig, revert } from '../lib/engine/index.ts';
import { type Attempts, attemptEach } from './_runtime/attempt.ts';
import { loadBundle, NO_MIGRATIONS } from './_runtime/bundle.ts';
import { databaseConfig } from './_runtime/database.ts';
import { sinceMs } from './_runtime/elapsed.ts';
import { engineEvents } from './_runtime/engine-events.ts';
import { handlerFor, type Invocation } from './_runtime/handler.ts';
import { heldLease, leaseStore } from './_runtime/lease.ts';
import { MetricUnit } from './_runtime/observability.ts';
import { readOutcome } from './_runtime/outcome.ts';
import { DATABASE_SETTINGS, readSettings, type Settings } from './_runtime/settings.ts';

const SETTINGS = ['target', 'bundlePath', 'leaseTable', 'rollBackPolicy', ...DATABASE_SETTINGS] as const;

export const handler = handlerFor({
  name: 'roll-back',
  input: rollBackInputSchema,
  output: rollBackOutputSchema,
  runId: ({ run }) => run.id,
  async run({ run, error }, invocation) {
    const { log, metrics, signal } = invocation;
    const settings = readSettings(SETTINGS);
    const attempt = attemptEach(log);
    const bundle = await attempt('read the bundle', () => loadBundle(settings.bundlePath));
    const database = await attempt('read the login', () => databaseConfig(settings));
    const source = bundle ? sourceOfBundle(bundle) : NO_MIGRATIONS;
    const look = async () =>
      database &&
      attempt('read the ledger', () => readOutcome(run.id, { database, clock: systemClock, signal, source }));

    let outcome = await look();
    let reversion: Reversion = { kind: 'done' };
    if (outcome?.record?.verdict === 'applied') {
      reversion = { kind: 'complete' };
    } else if (database && outcome && outcome.applied.length > 0) {
      reversion = await takeBack({ run, database, settings, attempt, invocation });
      outcome = await look();
    }
    const reverted = outcome?.reverted ?? [];
    metrics.addMetric(Metric.runsFailed, MetricUnit.Count, 1);
    metrics.addMetric(Metric.migrationsReverted, MetricUnit.Count, reverted.length);
    const facts = {
      run: run.id,
      target: settings.target,
      bundleDigest: bundle?.digest ?? '',
      restorePoint: outcome?.record?.restorePoint ?? null,
      durationMs: sinceMs(run.startedAt),
    };
    return failedVerdict(facts, { error: runErrorOf(error), ledger: outcome, reverted, reversion });
  },
});

interface TakeBack {
  readonly run: Run;
  readonly database: DatabaseConfig;
  readonly settings: Settings<'target' | 'leaseTable' | 'rollBackPolicy'>;
  readonly attempt: Attempts;
  readonly invocation: Invocation;
}

async function takeBack({ run, database, settings, attempt, invocation }: TakeBack): Promise<Reversion> {
  if (settings.rollBackPolicy === 'code-only') return { kind: 'not-asked' };
  const leases = leaseStore(settings.leaseTable);
  const result = await attempt('revert what this run applied', async () => {
    const held = await heldLease(leases, settings.target, run.execution);
    if (!held) return 'lease-not-held';
    await revert({
      runId: run.id,
      database,
      clock: systemClock,
      leases,
      lease: { ...held, token: 0 },
      request: { kind: 'run', runId: run.id },
      signal: invocation.signal,
      timeLeftMs: invocation.timeLeftMs,
      on: engineEvents(invocation.log),
    });
    return 'done';
  });
  return result ? { kind: result } : { kind: 'failed', reason: attempt.failures.at(-1)?.what ?? '' };
}
