/**
 * Take restore point: begins the snapshot or the clone at the first call, looks at it at the later ones; the workflow
 * waits in between. A point in time is only noted. Either way the database is described first, for whoever restores it.
 * Once it is available, older ones of the same target are deleted, and a schedule has those deleted that have become too
 * old; that this fails is logged and measured, but no reason to stop a release.
 */
import { RDSClient } from '@aws-sdk/client-rds';
import type * as z from 'zod';
import { RdsClusterClones } from '../lib/adapters/rds/cluster-clones.ts';
import { RdsClusterSnapshots } from '../lib/adapters/rds/cluster-snapshots.ts';
import { RdsInstanceSnapshots } from '../lib/adapters/rds/instance-snapshots.ts';
import { asLockstepError } from '../lib/core/errors/index.ts';
import {
  expendable,
  type Keep,
  pointInTime,
  type RestorePointMethod,
  type RestorePointStore,
  restorePointId,
  stepRestorePoint,
} from '../lib/core/restore-point/index.ts';
import {
  Metric,
  type RestorePointProgress,
  takeRestorePointInputSchema,
  takeRestorePointOutputSchema,
} from '../lib/core/workflow/index.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { handlerFor, type Invocation } from './_runtime/handler.ts';
import { errorFields, MetricUnit } from './_runtime/observability.ts';
import { readSettings, type Settings } from './_runtime/settings.ts';

const SETTINGS = [
  'target',
  'restorePointKind',
  'restorePointSource',
  'restorePointMethod',
  'restorePointKeep',
  'restorePointKeepDays',
] as const;
type Taking = Extract<z.output<typeof takeRestorePointInputSchema>, { run: unknown }>;
type RestorePointSettings = Settings<(typeof SETTINGS)[number]>;

const rds = awsClient((limits) => new RDSClient(limits));

export const handler = handlerFor({
  name: 'take-restore-point',
  input: takeRestorePointInputSchema,
  output: takeRestorePointOutputSchema,
  runId: (input) => ('run' in input ? input.run.id : 'none'),
  async run(input, invocation) {
    if ('run' in input) return take(input, invocation);
    const settings = readSettings(SETTINGS);
    return { deleted: await prune(storeOf(settings), settings, null, invocation) };
  },
});

async function take(
  { run, plan, restorePoint: previous }: Taking,
  invocation: Invocation,
): Promise<RestorePointProgress> {
  if (previous.status === 'none' || previous.status === 'available') return previous;
  const settings = readSettings(SETTINGS);
  const { target, restorePointKind, restorePointSource: source, restorePointMethod: method } = settings;
  if (restorePointKind === 'none') return { ...previous, status: 'none' };
  const store = storeOf(settings);
  if (method === 'point-in-time') {
    // When the run began: whoever asks again gets the same. A commit in the second of that time is not restored, and
    // the clocks of AWS differ by less.
    const at = wholeSeconds(Date.parse(run.startedAt) - 1_000);
    return pointInTime(source, await store.describeSource(), at);
  }
  const record = previous.record ?? {
    method,
    source,
    at: wholeSeconds(Date.now()),
    settings: (await store.describeSource()).settings,
  };
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
    const { log, metrics } = invocation;
    log.info('the restore point is available', { restorePoint: id });
    metrics.addMetric(Metric.restorePointWaitSeconds, MetricUnit.Seconds, next.waitedSeconds);
    await prune(store, settings, id, invocation);
  }
  return next;
}

const STORES: Record<RestorePointMethod, (clusterId: string) => RestorePointStore> = {
  snapshot: (clusterId) => new RdsClusterSnapshots(rds(), clusterId),
  clone: (clusterId) => new RdsClusterClones(rds(), clusterId),
  'point-in-time': (clusterId) => new RdsClusterSnapshots(rds(), clusterId),
};

const storeOf = ({
  restorePointKind,
  restorePointSource,
  restorePointMethod,
}: RestorePointSettings): RestorePointStore =>
  restorePointKind === 'rds-instance'
    ? new RdsInstanceSnapshots(rds(), restorePointSource)
    : STORES[restorePointMethod](restorePointSource);

/** UTC, as RDS takes a time to restore to. */
const wholeSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const DAY_MS = 24 * 3600 * 1000;

const keepOf = (
  { restorePointKeep: keep, restorePointKeepDays: days }: RestorePointSettings,
  currentId: string | null,
): Keep => ({ keep, currentId, takenBeforeMs: days === undefined ? null : Date.now() - days * DAY_MS });

/** Ids of those that it has deleted. */
async function prune(
  store: RestorePointStore,
  settings: RestorePointSettings,
  currentId: string | null,
  { log, metrics }: Pick<Invocation, 'log' | 'metrics'>,
): Promise<string[]> {
  const failed = (what: string) => (error: unknown) => {
    log.warn(what, errorFields(asLockstepError(error)));
    metrics.addMetric(Metric.restorePointPruneFailures, MetricUnit.Count, 1);
  };
  const all = await store.list(settings.target).catch(failed('restore points could not be listed'));
  const gone: string[] = [];
  for (const id of expendable(all ?? [], keepOf(settings, currentId))) {
    const deleted = await store
      .delete(id)
      .then(() => true, failed(`the restore point ${id} could not be deleted`));
    if (!deleted) continue;
    log.info('an older restore point was deleted', { restorePoint: id });
    gone.push(id);
  }
  return gone;
}
