/**
 * Take restore point: begins the snapshot at the first call, looks at it at the later ones; the workflow waits
 * in between. A point in time is only noted. Either way the database is described first, for whoever restores it. Once it is available, older ones of the same target are deleted; that this fails is logged and
 * measured, but no reason to stop a release.
 */
import { RDSClient } from '@aws-sdk/client-rds';
import { RdsClusterSnapshots } from '../lib/adapters/rds/cluster-snapshots.ts';
import { RdsInstanceSnapshots } from '../lib/adapters/rds/instance-snapshots.ts';
import { asLockstepError } from '../lib/core/errors/index.ts';
import {
  expendable,
  pointInTime,
  type RestorePointStore,
  type RestoreRecord,
  restorePointId,
  stepRestorePoint,
} from '../lib/core/restore-point/index.ts';
import {
  Metric,
  type RestorePointProgress,
  restorePointSchema,
  takeRestorePointInputSchema,
} from '../lib/core/workflow/index.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { handlerFor, type Invocation } from './_runtime/handler.ts';
import { errorFields, MetricUnit } from './_runtime/observability.ts';
import { readSettings } from './_runtime/settings.ts';

const SETTINGS = [
  'target',
  'restorePointKind',
  'restorePointSource',
  'restorePointMethod',
  'restorePointKeep',
] as const;

const rds = awsClient((limits) => new RDSClient(limits));

export const handler = handlerFor({
  name: 'take-restore-point',
  input: takeRestorePointInputSchema,
  output: restorePointSchema,
  runId: ({ run }) => run.id,
  async run({ run, plan, restorePoint: previous }, { log, metrics }): Promise<RestorePointProgress> {
    if (previous.status === 'none' || previous.status === 'available') return previous;
    const { target, restorePointKind, restorePointSource: source, ...settings } = readSettings(SETTINGS);
    if (restorePointKind === 'none') return { ...previous, status: 'none' };
    const store = STORES[restorePointKind](source);
    if (settings.restorePointMethod === 'point-in-time') {
      // When the run began: whoever asks again gets the same. A commit in the second of that time is not restored, and
      // the clocks of AWS differ by less.
      const at = wholeSeconds(Date.parse(run.startedAt) - 1_000);
      return pointInTime(source, await store.describeSource(), at);
    }
    const record = previous.record ?? (await recordOf(store, source));
    const id = restorePointId(target, run);
    const request = {
      id,
      target,
      run: run.execution,
      before: plan.pending[0] ?? '',
      bundleDigest: plan.bundleDigest,
    };
    const next = stepRestorePoint({ ...previous, record }, id, await store.ensure(request));
    if (next.status === 'available') {
      log.info('the restore point is available', { restorePoint: id });
      metrics.addMetric(Metric.restorePointWaitSeconds, MetricUnit.Seconds, next.waitedSeconds);
      await prune(store, target, { keep: settings.restorePointKeep, currentId: id }, { log, metrics });
    }
    return next;
  },
});

const STORES: Record<'rds-instance' | 'rds-cluster', (source: string) => RestorePointStore> = {
  'rds-instance': (instanceId) => new RdsInstanceSnapshots(rds(), instanceId),
  'rds-cluster': (clusterId) => new RdsClusterSnapshots(rds(), clusterId),
};

async function recordOf(store: RestorePointStore, source: string): Promise<RestoreRecord> {
  const { settings } = await store.describeSource();
  return { method: 'snapshot', source, at: wholeSeconds(Date.now()), settings };
}

/** UTC, as RDS takes a time to restore to. */
const wholeSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

async function prune(
  store: RestorePointStore,
  target: string,
  keep: { readonly keep: number; readonly currentId: string },
  { log, metrics }: Pick<Invocation, 'log' | 'metrics'>,
): Promise<void> {
  const failed = (what: string) => (error: unknown) => {
    log.warn(what, errorFields(asLockstepError(error)));
    metrics.addMetric(Metric.restorePointPruneFailures, MetricUnit.Count, 1);
  };
  const all = await store.list(target).catch(failed('restore points could not be listed'));
  for (const id of expendable(all ?? [], keep)) {
    const deleted = await store
      .delete(id)
      .then(() => true, failed(`the restore point ${id} could not be deleted`));
    if (deleted) log.info('an older restore point was deleted', { restorePoint: id });
  }
}
