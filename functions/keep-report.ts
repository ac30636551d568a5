/**
 * Keep report: writes the page of a run to S3 and puts its place into the verdict, before that is signalled. Whatever
 * fails is a warning in the verdict, never an error: a report is no reason to fail a run, nor to keep anybody waiting for
 * its signal for long. The same run's report is written under the same key, so it may be called again.
 *
 * Who is authoritative: the ledger for what was done, the verdict for what it means. A run that never got as far as to
 * the ledger has no report: its verdict is all that there is to say.
 */
import { systemClock } from '../lib/adapters/process/clock.ts';
import { asLockstepError } from '../lib/core/errors/index.ts';
import { page, type ReportLink, reportKey, reportLink } from '../lib/core/report/index.ts';
import type { Verdict } from '../lib/core/rollout/index.ts';
import {
  keepReportInputSchema,
  keepReportOutputSchema,
  Metric,
  type Run,
} from '../lib/core/workflow/index.ts';
import { readRunReport } from '../lib/engine/index.ts';
import { BUNDLE_SETTINGS, loadBundle } from './_runtime/bundle.ts';
import { databaseConfig } from './_runtime/database.ts';
import { handlerFor } from './_runtime/handler.ts';
import { errorFields, MetricUnit } from './_runtime/observability.ts';
import { DATABASE_SETTINGS, readSettings, type Settings } from './_runtime/settings.ts';

/** The database may be why the run failed: nobody is to wait for it any longer. */
const CONNECT_BUDGET_MS = 20_000;
const SETTINGS = [
  'target',
  'reportBucket',
  'reportPrefix',
  ...BUNDLE_SETTINGS,
  ...DATABASE_SETTINGS,
] as const;
type ReportSettings = Settings<(typeof SETTINGS)[number]>;

export const handler = handlerFor({
  name: 'keep-report',
  input: keepReportInputSchema,
  output: keepReportOutputSchema,
  runId: ({ run }) => run.id,
  async run({ run, verdict }, { log, metrics, signal }) {
    const settings = readSettings(SETTINGS);
    try {
      return { ...verdict, report: await keep(run, verdict, settings, signal) };
    } catch (thrown) {
      const error = asLockstepError(thrown);
      if (error.code === 'LS504') {
        log.info('the run is not in the ledger, so there is nothing to report');
        return verdict;
      }
      log.warn('the report could not be kept', errorFields(error));
      metrics.addMetric(Metric.reportsNotKept, MetricUnit.Count, 1);
      const warning = `LS750: The report of the run could not be kept: ${error.code} ${error.what}`;
      return { ...verdict, warnings: [...(verdict.warnings ?? []), warning] };
    }
  },
});

/** Throws LS3xx, LS504 for a run that the ledger does not know, LS731, LS750. */
async function keep(
  run: Run,
  verdict: Verdict,
  settings: ReportSettings,
  signal: AbortSignal,
): Promise<ReportLink> {
  const { target, reportBucket: bucket, reportPrefix: prefix } = settings;
  const database = { ...(await databaseConfig(settings)), connectBudgetMs: CONNECT_BUDGET_MS };
  const report = await readRunReport({ database, clock: systemClock, signal }, run.id);
  const hazards = await hazardsIn(settings, report.run.bundleDigest);
  const place = { bucket, key: reportKey(prefix, target, run.id) };
  const { S3Reports } = await import('../lib/adapters/aws-requests/s3-reports.ts');
  const reports = new S3Reports(process.env);
  await reports.put(place, page({ ...report, hazards, target, verdict }));
  return reportLink(place, reports.region);
}

/** Undefined when the deployed bundle cannot be read, or is not the one that the run had. */
async function hazardsIn(settings: ReportSettings, digest: string) {
  const bundle = await loadBundle(settings, null).catch(() => undefined);
  if (bundle?.digest !== digest) return undefined;
  return new Map(bundle.migrations.map((m) => [`${m.revision}_${m.slug}`, m.hazards]));
}
