import { systemClock } from '../../lib/adapters/process/clock.ts';
import { asLockstepError, ExitCode, LockstepError, NOTHING_CHANGED } from '../../lib/core/errors/index.ts';
import { mayGoOn } from '../../lib/core/rollout/index.ts';
import { Metric, type MigrateTaskInput, readTaskInput } from '../../lib/core/workflow/index.ts';
import { apply, recordRunFailure } from '../../lib/engine/index.ts';
import { databaseConfig } from './database.ts';
import { ATTEMPT_SETTINGS, openAttempt } from './migrate-attempt.ts';
import { errorFields, logger, MetricUnit, metrics, publishMetrics } from './observability.ts';
import { RevisionTrace } from './revision-trace.ts';
import { readSettings, type Settings } from './settings.ts';

const SETTINGS = [...ATTEMPT_SETTINGS, 'taskInput'] as const;
type TaskSettings = Settings<(typeof SETTINGS)[number]>;

/** Makes the attempt that the environment describes and gives the exit code; never throws. */
export async function runTask(signal: AbortSignal): Promise<number> {
  const startedMs = systemClock.nowMs();
  try {
    const settings = readSettings(SETTINGS);
    const input = readTaskInput(settings.taskInput);
    logger.appendKeys({ run: input.run.id });
    const timeoutMs = (settings.taskTimeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    const timeLeftMs = () => Math.max(0, startedMs + timeoutMs - systemClock.nowMs());
    return await attempt(input, settings, timeLeftMs, signal);
  } catch (thrown) {
    return failed(asLockstepError(thrown));
  }
}

async function attempt(
  input: MigrateTaskInput,
  settings: TaskSettings,
  timeLeftMs: () => number,
  signal: AbortSignal,
): Promise<number> {
  try {
    // A container has nobody to send a trace to.
    const trace = new RevisionTrace(() => undefined);
    const { bundle, options } = await openAttempt(input, settings, { log: logger, metrics, trace });
    const { bundleDigest } = input.plan;
    if (bundle.digest !== bundleDigest) throw otherBundle(bundle.digest, bundleDigest);
    const { outcome, applied } = await apply({ ...options, timeLeftMs, signal });
    logger.info('the attempt ended', { outcome, applied: applied.length });
    metrics.addMetric(Metric.migrationsApplied, MetricUnit.Count, applied.length);
    publishMetrics();
    return ExitCode.done;
  } catch (thrown) {
    const error = asLockstepError(thrown);
    if (!mayGoOn(error.code)) await record(input, settings, error);
    return failed(error);
  }
}

/** What failed inside the attempt is recorded already; what failed before it, only here can be. */
async function record(
  { run }: MigrateTaskInput,
  settings: TaskSettings,
  error: LockstepError,
): Promise<void> {
  try {
    const database = await databaseConfig(settings);
    await recordRunFailure({ database, clock: systemClock }, run.id, error);
  } catch (thrown) {
    logger.warn('could not record the failure', errorFields(asLockstepError(thrown)));
  }
}

function failed(error: LockstepError): number {
  logger.error(`migrate-task ended with ${error.code}`, errorFields(error));
  return error.exitCode;
}

const otherBundle = (own: string, planned: string) =>
  new LockstepError('LS615', {
    what: `The image of the task has other migrations (digest ${own}) than the plan was made from (digest ${planned}).`,
    state: NOTHING_CHANGED,
    remedy: 'Build the image with the bundle that the coordinator is deployed with, then start a new run.',
  });
