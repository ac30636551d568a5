/**
 * What is left to do for a run that did not end well: find out what it has applied, revert that, say so. Whatever of it
 * fails is in the result or the log, never thrown, so that the lease is released and the signal sent in any case.
 */
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { sourceOfBundle } from '../../lib/core/plan/index.ts';
import type { Reversion, RunFacts } from '../../lib/core/rollout/index.ts';
import { Metric, type Run } from '../../lib/core/workflow/index.ts';
import { revert } from '../../lib/engine/index.ts';
import { attemptEach } from './attempt.ts';
import { BUNDLE_SETTINGS, loadAnyBundle, NO_MIGRATIONS } from './bundle.ts';
import { databaseConfig } from './database.ts';
import { sinceMs } from './elapsed.ts';
import { engineEvents } from './engine-events.ts';
import type { Invocation } from './handler.ts';
import { heldLease, leaseStore } from './lease.ts';
import { MetricUnit } from './observability.ts';
import { type Outcome, readOutcome } from './outcome.ts';
import { DATABASE_SETTINGS, type Settings } from './settings.ts';

export const AFTERMATH_SETTINGS = ['target', 'leaseTable', ...BUNDLE_SETTINGS, ...DATABASE_SETTINGS] as const;
type AftermathSettings = Settings<(typeof AFTERMATH_SETTINGS)[number]>;

export interface Aftermath {
  /** What the run left; undefined when the ledger cannot be read. */
  look(): Promise<Outcome | undefined>;
  /** Reverts what it has applied and is applied still, if `by` holds the lease. */
  takeBack(): Promise<Reversion>;
  /** For its verdict; counts it as failed. */
  facts(outcome: Outcome | undefined): RunFacts;
}

interface Runs {
  /** Who looks and reverts, which may be the run itself. */
  readonly by: Run;
  /** Whose migrations they are. */
  readonly of: Run;
  /** Of its input: where its migrations come from. */
  readonly bundle: unknown;
}

export async function openAftermath(
  { by, of, bundle: address }: Runs,
  settings: AftermathSettings,
  { log, metrics, trace, signal, timeLeftMs }: Invocation,
): Promise<Aftermath> {
  const attempt = attemptEach(log);
  const bundle = await attempt('read the bundle', () => loadAnyBundle(settings, address));
  const database = await attempt('read the login', () => databaseConfig(settings));
  const source = bundle ? sourceOfBundle(bundle) : NO_MIGRATIONS;
  const { target } = settings;
  return {
    look: async () =>
      database &&
      attempt('read the ledger', () =>
        readOutcome(of.id, { database, clock: systemClock, signal, source }, by.id),
      ),
    async takeBack() {
      const result = await attempt(`revert what the run ${of.id} applied`, async () => {
        const leases = leaseStore(settings.leaseTable);
        const held = await heldLease(leases, target, by.execution);
        if (!held || !database) return 'lease-not-held';
        await revert({
          runId: by.id,
          database,
          clock: systemClock,
          leases,
          lease: { ...held, token: 0 },
          request: { kind: 'run', runId: of.id },
          signal,
          timeLeftMs,
          on: engineEvents({ log, metrics, trace }),
        });
        return 'done';
      });
      return result ? { kind: result } : { kind: 'failed', reason: attempt.failures.at(-1)?.what ?? '' };
    },
    facts(outcome) {
      metrics.addMetric(Metric.runsFailed, MetricUnit.Count, 1);
      metrics.addMetric(Metric.migrationsReverted, MetricUnit.Count, outcome?.reverted.length ?? 0);
      return {
        run: of.id,
        target,
        bundleDigest: bundle?.digest ?? '',
        restorePoint: outcome?.record?.restorePoint ?? null,
        durationMs: sinceMs(by.startedAt),
      };
    },
  };
}
