/** What an attempt to migrate is made of, whether a function or a task makes it. */
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { LockstepError, NOTHING_CHANGED } from '../../lib/core/errors/index.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import { type Bundle, sourceOfBundle } from '../../lib/core/plan/index.ts';
import { type MigrateInput, type MigrateTaskInput, taskPlanSchema } from '../../lib/core/workflow/index.ts';
import type { ApplyOptions, DatabaseConfig } from '../../lib/engine/index.ts';
import { BUNDLE_SETTINGS, loadBundle } from './bundle.ts';
import { databaseConfig } from './database.ts';
import { engineEvents } from './engine-events.ts';
import type { Invocation } from './handler.ts';
import { heldLease, leaseStore } from './lease.ts';
import { DATABASE_SETTINGS, type Settings } from './settings.ts';

export const ATTEMPT_SETTINGS = [
  'target',
  ...BUNDLE_SETTINGS,
  'leaseTable',
  'outOfOrder',
  'taskTimeoutSeconds',
  'foreignCommand',
  ...DATABASE_SETTINGS,
] as const;
export type AttemptSettings = Settings<(typeof ATTEMPT_SETTINGS)[number]>;

export interface MigrateAttempt {
  readonly bundle: Bundle;
  readonly database: DatabaseConfig;
  readonly leases: LeaseStore;
  readonly options: ApplyOptions;
}

/** What a task gets for its input, from what a function got. */
export const taskInputOf = ({ run, plan, restorePoint }: MigrateInput): MigrateTaskInput => ({
  run,
  plan: taskPlanSchema.parse(plan),
  restorePointId: restorePoint.id,
});

/** Throws LS102, LS209, LS214 to LS219, LS301, LS402 when the run does not hold the lease, LS404. */
export async function openAttempt(
  { run, plan, restorePointId }: MigrateTaskInput,
  settings: AttemptSettings,
  observed: Pick<Invocation, 'log' | 'metrics' | 'trace'>,
): Promise<MigrateAttempt> {
  const { target } = settings;
  const leases = leaseStore(settings.leaseTable);
  const held = await heldLease(leases, target, run.execution);
  if (!held) throw notHolder(target);
  const bundle = await loadBundle(settings, plan.bundle);
  const database = await databaseConfig(settings);
  const options: ApplyOptions = {
    runId: run.id,
    database,
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
    restorePoint: restorePointId,
    on: engineEvents(observed),
  };
  return { bundle, database, leases, options };
}

export const notHolder = (target: string) =>
  new LockstepError('LS402', {
    what: `This run does not hold the lease on ${target} any more.`,
    state: NOTHING_CHANGED,
    remedy: 'Nothing is to be done: the workflow makes its plan anew and asks for the lease again.',
    context: { target },
  });
