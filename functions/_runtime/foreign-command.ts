/**
 * The workflow of a coordinator whose migrator is a foreign command (`runner` of the construct), from the side of the
 * functions: there is nothing to plan, Migrate hands over to the task once, and says from the ledger how that ended.
 */
import { systemClock } from '../../lib/adapters/process/clock.ts';
import {
  commandDryRun,
  commandFailure,
  commandVerdict,
  notForCommands,
} from '../../lib/core/foreign/index.ts';
import { type RunFacts, whyStopped } from '../../lib/core/rollout/index.ts';
import type {
  MigrateInput,
  MigrateOutput,
  PlanOutput,
  Run,
  StartInput,
} from '../../lib/core/workflow/index.ts';
import { readLastRun } from '../../lib/engine/index.ts';
import { type BUNDLE_SETTINGS, loadBundle } from './bundle.ts';
import { type DatabaseSettings, databaseConfig } from './database.ts';
import { sinceMs } from './elapsed.ts';
import { leaseStore } from './lease.ts';
import { lengthenLease } from './long-work.ts';
import { type AttemptSettings, taskInputOf } from './migrate-attempt.ts';
import { notBegun } from './not-begun.ts';
import type { Settings } from './settings.ts';

type PlanSettings = Settings<
  'target' | (typeof BUNDLE_SETTINGS)[number] | 'foreignCommand' | 'restorePointKind'
> &
  DatabaseSettings;

const OF_OWN_MIGRATIONS = ['toRevision', 'phase', 'forceContract', 'bundle', 'rehearsal'] as const;

/** Always something to do: what, only the command finds out. Throws LS804, and LS3xx: a run that cannot log in ends here. */
export async function commandPlan(
  run: Run,
  request: StartInput,
  settings: PlanSettings,
  signal: AbortSignal,
): Promise<PlanOutput> {
  const { target, foreignCommand: name = '', restorePointKind } = settings;
  const unknown = OF_OWN_MIGRATIONS.filter((key) => request[key] !== undefined && request[key] !== null);
  if (unknown.length > 0) throw notForCommands(name, unknown);
  const bundle = await loadBundle(settings, null);
  const database = await databaseConfig(settings);
  await readLastRun({ database, clock: systemClock, signal });
  const { digest: bundleDigest } = bundle;
  const durationMs = sinceMs(run.startedAt);
  const facts: RunFacts = { run: run.id, target, bundleDigest, restorePoint: null, durationMs };
  return {
    run,
    outcome: request.dryRun ? 'dry-run' : 'pending',
    plan: {
      pending: [],
      pendingCount: 0,
      appliedCount: 0,
      hazards: [],
      toRevision: null,
      phase: null,
      forceContract: false,
      lastEntryId: '0',
      bundleDigest,
    },
    ...notBegun(restorePointKind === 'none' ? 'none' : 'requested'),
    verdict: request.dryRun ? commandDryRun(facts, name) : null,
  };
}

/** Hands over to the task; called again when that has ended, says how. Throws LS402, LS404, LS605, LS80x. */
export async function commandStep(
  input: MigrateInput,
  settings: AttemptSettings,
  name: string,
  signal: AbortSignal,
): Promise<MigrateOutput> {
  const { run, progress, restorePoint } = input;
  const calls = progress.calls + 1;
  if (progress.next !== 'task') {
    await lengthenLease(leaseStore(settings.leaseTable), settings.target, run);
    const task = { ...taskInputOf(input), restoreRecord: restorePoint.record };
    return {
      ...input,
      progress: { outcome: 'more', calls, appliedCount: 0, next: 'task', task },
      verdict: null,
    };
  }
  const database = await databaseConfig(settings);
  const record = await readLastRun({ database, clock: systemClock, signal }, run.id);
  const failure = commandFailure(name, record, progress.taskError && whyStopped(progress.taskError).message);
  if (failure || !record) throw failure;
  const facts: RunFacts = {
    run: run.id,
    target: settings.target,
    bundleDigest: input.plan.bundleDigest,
    restorePoint: restorePoint.id,
    durationMs: sinceMs(run.startedAt),
  };
  const verdict = commandVerdict(facts, name, record);
  return {
    ...input,
    progress: { outcome: 'applied', calls, appliedCount: verdict.appliedCount },
    verdict,
  };
}
