import { sleepOrAbort } from '../core/clock.ts';
import { LockstepError } from '../core/errors/index.ts';
import {
  type MigrationSource,
  type OutOfOrderPolicy,
  type Plan,
  pendingNames,
  type RunPhase,
  refusal,
} from '../core/plan/index.ts';
import { announce } from './instances.ts';
import { LOOK, withSession } from './open-session.ts';
import { planOn } from './planning.ts';
import type { EngineContext, InstanceIdentity } from './types.ts';

export interface WaitOptions extends EngineContext {
  readonly source: MigrationSource;
  /** Only migrations of this phase; all if absent. */
  readonly phase?: RunPhase | undefined;
  /** Default `refuse`. */
  readonly outOfOrder?: OutOfOrderPolicy | undefined;
  /** The instance of the app that this process is about to be: recorded when the schema is ready for it. */
  readonly instance?: InstanceIdentity | undefined;
  /** For how long others may take to apply it. */
  readonly timeoutMs: number;
}

export interface WaitResult {
  readonly plan: Plan;
  readonly waitedMs: number;
}

/** Each look is a connection of its own: hundreds of instances may wait, and none should hold one meanwhile. */
const PAUSE = { firstMs: 250, factor: 1.5, maxMs: 2_000 } as const;

/**
 * Looks at the ledger until nothing of the source, or of its phase, is pending. Changes no schema and takes no lock, but records the instance that is ready then; a database
 * that does not answer counts as not ready. Throws LS405 when the time is over, LS50x when the plan is refused,
 * LS3xx, LS605.
 */
export async function waitUntilApplied(options: WaitOptions): Promise<WaitResult> {
  const { clock, timeoutMs, on } = options;
  const startedMs = clock.nowMs();
  const waited = () => clock.nowMs() - startedMs;
  for (let pauseMs: number = PAUSE.firstMs; ; pauseMs = Math.min(PAUSE.maxMs, pauseMs * PAUSE.factor)) {
    const plan = await look(options, timeoutMs - waited());
    const refused = plan && refusal(plan);
    if (refused) throw refused;
    const waitedMs = waited();
    if (plan && plan.outcome !== 'pending') return { plan, waitedMs };
    if (plan && waitedMs >= timeoutMs) throw notReady(plan, waitedMs);
    if (plan) on?.({ kind: 'schema-not-ready', pendingCount: pendingNames(plan).length, waitedMs });
    await pause(options, Math.min(pauseMs * (0.5 + clock.random() / 2), Math.max(0, timeoutMs - waitedMs)));
  }
}

/** Undefined when the database went away meanwhile and there is time left for another look. */
async function look(options: WaitOptions, leftMs: number): Promise<Plan | undefined> {
  const { source, phase, outOfOrder, clock, signal, on } = options;
  const database = { ...options.database, connectBudgetMs: Math.max(FIRST_LOOK_MS, leftMs) };
  const startedMs = clock.nowMs();
  try {
    return await withSession({ database, clock, signal, on }, LOOK, async (session) => {
      // Whether somebody else may contract is no reason not to wait for it.
      const { plan } = await planOn(session, { source, phase, outOfOrder, forceContract: true });
      if (plan.outcome !== 'pending' && plan.outcome !== 'refused') await announce(session, options);
      return plan;
    });
  } catch (error) {
    if (signal?.aborted) throw interrupted(error);
    const mayPass = error instanceof LockstepError && error.retryable && clock.nowMs() - startedMs < leftMs;
    if (!mayPass) throw error;
    return undefined;
  }
}

/** Even with no time to wait, one look has to be possible. */
const FIRST_LOOK_MS = 5_000;

async function pause({ clock, signal }: WaitOptions, ms: number): Promise<void> {
  if (!signal) return clock.sleep(ms);
  await sleepOrAbort(clock, ms, signal);
  if (signal.aborted) throw interrupted(signal.reason);
}

const notReady = (plan: Plan, waitedMs: number): LockstepError => {
  const pending = pendingNames(plan);
  return new LockstepError('LS405', {
    what: `${pending.length} migrations are still pending after ${Math.round(waitedMs / 1000)} s, the first is ${pending[0] ?? ''}.`,
    state: 'This process changed nothing in the database; whoever applies the migrations may be at work.',
    remedy: 'Look with `lockstep status` whether a run is going on or has failed, then wait again.',
    context: { pending: pending.length },
  });
};

const interrupted = (cause: unknown): LockstepError =>
  new LockstepError('LS605', {
    what: 'Interrupted while waiting for the schema.',
    state: 'This process changed nothing in the database.',
    remedy: 'Run the same command again.',
    cause,
  });
