/**
 * Rehearse: applies what is pending to the copy, which only this run knows, and measures it. Over the budget is no error
 * here: what it means is decided when the copy is removed. What does not fit into a function's time is over any budget.
 * Nor is it an error that somebody has migrated the database since the copy was made: then nothing was rehearsed, and the
 * plan that is made again needs another copy, or has nothing to do any more.
 */
import { systemClock } from '../lib/adapters/process/clock.ts';
import { asLockstepError } from '../lib/core/errors/index.ts';
import { sourceOfBundle } from '../lib/core/plan/index.ts';
import { type Budget, excessesOf, slowestOf } from '../lib/core/rehearsal/index.ts';
import {
  type Rehearsed,
  rehearsedSchema,
  rehearseInputSchema,
} from '../lib/core/workflow/rehearsal-payloads.ts';
import {
  isOutdatedCopy,
  type RehearseResult,
  readLedgerHead,
  rehearse,
} from '../lib/engine/rehearsal/index.ts';
import { BUNDLE_SETTINGS, loadBundle } from './_runtime/bundle.ts';
import { databaseConfig } from './_runtime/database.ts';
import { handlerFor } from './_runtime/handler.ts';
import { DATABASE_SETTINGS, readSettings } from './_runtime/settings.ts';

const SETTINGS = [
  'target',
  'outOfOrder',
  'rehearsalBudget',
  ...BUNDLE_SETTINGS,
  ...DATABASE_SETTINGS,
] as const;

/** Nobody else uses the copy. */
const LEASE = { leaseDurationMs: 60_000, leaseWaitMs: 60_000 };

type Outcome = Pick<Rehearsed, 'verdict' | 'excesses' | 'error' | 'steps' | 'slowest'>;

export const handler = handlerFor({
  name: 'rehearse',
  input: rehearseInputSchema,
  output: rehearsedSchema,
  runId: ({ run }) => run.id,
  async run({ run, plan, copy }, { log, signal, timeLeftMs }): Promise<Rehearsed> {
    const settings = readSettings(SETTINGS);
    const { target, outOfOrder, rehearsalBudget: budget = NO_LIMITS } = settings;
    const source = sourceOfBundle(await loadBundle(settings, plan.bundle));
    const original = await databaseConfig(settings);
    const context = { clock: systemClock, signal };
    const ledgerHead = await readLedgerHead({ ...context, database: original }, run.id);
    const limitMs = timeLeftMs();
    const { host = original.host, port = original.port } = copy as { host?: string; port?: number };
    const database = { ...original, host, port };
    const limits = { toRevision: plan.toRevision ?? undefined, phase: plan.phase ?? undefined, outOfOrder };
    const asked = {
      ...context,
      ...LEASE,
      ...limits,
      original,
      database,
      source,
      target,
      holder: run.execution,
    };
    const outcome = await rehearse(asked).then(
      (result) => {
        // All of it is in the log; what the run goes on with has to be small.
        for (const step of result.steps) log.info('rehearsed', { ...step });
        return outcomeOf(result, budget);
      },
      (thrown: unknown) => {
        if (signal.aborted) return notInTime(limitMs);
        const error = asLockstepError(thrown);
        if (!isOutdatedCopy(error)) throw error;
        log.info('somebody has migrated the database since the copy was made', { copy: copy.id });
        return NOTHING_REHEARSED;
      },
    );
    return { ...outcome, bundleDigest: source.digest, ledgerHead };
  },
});

const NO_LIMITS: Budget = { maxDurationMs: null, maxBlockedMs: null };

function outcomeOf({ steps, error }: RehearseResult, budget: Budget): Outcome {
  const durationMs = steps.reduce((sum, step) => sum + step.durationMs, 0);
  const excesses = excessesOf(steps, durationMs, budget);
  return {
    verdict: error ? 'failed' : excesses.length > 0 ? 'over-budget' : 'within-budget',
    excesses,
    error: error ? { code: error.code, what: error.what } : null,
    steps: steps.map(({ migration }) => ({ migration })),
    slowest: slowestOf(steps),
  };
}

/** Of no migration: it fits no plan that has one. */
const NOTHING_REHEARSED: Outcome = {
  verdict: 'within-budget',
  excesses: [],
  error: null,
  steps: [],
  slowest: [],
};

const notInTime = (limitMs: number): Outcome => ({
  verdict: 'over-budget',
  excesses: [{ kind: 'duration', durationMs: Math.round(limitMs), limitMs: Math.round(limitMs) }],
  error: null,
  steps: [],
  slowest: [],
});
