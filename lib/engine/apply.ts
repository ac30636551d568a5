import { finishRun, readRun, settleRun, startRun } from '../adapters/postgres/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import {
  instancesInWords,
  isStale,
  type LedgerState,
  migrationName,
  type Plan,
  pendingNames,
  refusal,
} from '../core/plan/index.ts';
import type { RunVerdict } from '../core/report/run.ts';
import { aheadOf } from './ahead.ts';
import { type Attempt, withAttempt } from './attempt.ts';
import { pendingChanges } from './changes.ts';
import { planOn, refuseHalfReverted, refuseReadOnly } from './planning.ts';
import { type Progress, runChange } from './run-change.ts';
import { refuseSharedFailure } from './shared-run.ts';
import type { ApplyOptions, ApplyResult } from './types.ts';

/**
 * One attempt to apply what is pending. The ledger is read again under the lock; what the caller planned from may be
 * old. Throws LS2xx to LS6xx; what was applied before the error stays applied.
 */
export const apply = (options: ApplyOptions): Promise<ApplyResult> =>
  withAttempt(options, undefined, async (attempt) => {
    const { whenRecorded, ...result } = await applyPending(attempt, options);
    await whenRecorded;
    return result;
  });

type Request = Pick<
  ApplyOptions,
  | 'source'
  | 'toRevision'
  | 'phase'
  | 'forceContract'
  | 'outOfOrder'
  | 'planLastEntryId'
  | 'waitingSinceMs'
  | 'restorePoint'
  | 'restoreRecord'
  | 'begins'
  | 'mayEndIdle'
>;

/** With the end of the run sent to the ledger, so that what is sent behind it need not wait for the answer. */
export type Recorded = ApplyResult & { readonly whenRecorded?: Promise<void> };

export async function applyPending(attempt: Attempt, request: Request): Promise<Recorded> {
  const { session, runId, token } = attempt;
  const [{ plan, ledger }, ownRun] = await session.together(() =>
    Promise.all([planOn(session, request), readRun(session, runId)]),
  );
  if (request.waitingSinceMs !== undefined && plan.outcome === 'pending')
    await refuseSharedFailure(session, { plan, source: request.source, runId }, request.waitingSinceMs);
  if (request.planLastEntryId !== undefined && isStale(request.planLastEntryId, runId, ledger))
    throw planIsStale();
  const refused = refusal(plan);
  if (refused) throw refused;
  if (plan.outcome !== 'pending') {
    await settleRun(session, { runId, token });
    return { outcome: 'applied', applied: [], notApplied: [], stepsDone: 0, token };
  }
  refuseReadOnly(session);
  refuseHalfReverted(ledger);
  refuseUsedRunId(runId, ownRun?.verdict);
  for (const gap of plan.outOfOrder)
    attempt.on({ kind: 'out-of-order', migration: migrationName(gap), above: gap.highestApplied });
  return recorded(attempt, request, plan, (begin) => applyEach(attempt, request, plan, ledger, begin));
}

/** Told which migration is under way: undefined when none is. */
type Begin = (migration: string | undefined) => void;

async function applyEach(
  attempt: Attempt,
  { source, begins, mayEndIdle = false }: Request,
  plan: Plan,
  ledger: LedgerState,
  begin: Begin,
): Promise<ApplyResult> {
  const changes = await pendingChanges(source, plan, ledger, attempt);
  const applied: string[] = [];
  const ahead = begins ? undefined : aheadOf(attempt, changes);
  const progress: Progress = { stepsDone: 0, mayEndIdle, ahead };
  try {
    for (const change of changes) {
      const name = migrationName(change);
      if (begins && !begins(name, applied.length)) break;
      begin(name);
      if (!(await runChange(attempt, change, ledger, progress))) break;
      applied.push(name);
    }
  } finally {
    const late = await ahead?.settled();
    if (late) begin(undefined);
    if (late) attempt.on(late);
  }
  const notApplied = pendingNames(plan).slice(applied.length);
  const outcome = notApplied.length === 0 ? 'applied' : 'more';
  return { outcome, applied, notApplied, stepsDone: progress.stepsDone, token: attempt.token };
}

/** With a row in the ledger's runs around it. */
async function recorded(
  attempt: Attempt,
  { source, restorePoint = null, restoreRecord }: Request,
  { inTheWay }: Plan,
  work: (begin: Begin) => Promise<ApplyResult>,
): Promise<Recorded> {
  const { session, runId, holder, token } = attempt;
  const forced = inTheWay.length > 0 ? instancesInWords(inTheWay) : null;
  const bundleDigest = source.digest;
  const run = { runId, holder, token, bundleDigest, restorePoint, restoreRecord, forced };
  await startRun(session, run);
  let begun: string | undefined;
  try {
    const result = await work((migration) => {
      begun = migration;
    });
    if (result.outcome !== 'applied') return result;
    const whenRecorded = finishRun(session, run, 'applied');
    whenRecorded.catch(() => undefined);
    return { ...result, whenRecorded };
  } catch (error) {
    const explained = await attempt.explain(error);
    await recordFailure(attempt, explained, begun);
    throw explained;
  }
}

/** A stale attempt leaves the record to the newer one; with a lost session, the next run sees that this one never ended. */
export async function recordFailure(
  { session, runId, token }: Attempt,
  error: LockstepError,
  migration?: string,
): Promise<void> {
  if (session.isLost || error.code === 'LS402' || error.code === 'LS403') return;
  // That it cannot be recorded says less than what it failed with; the next run sees that this one never ended.
  const failure = { error: `${error.code}: ${error.what}`, migration };
  await finishRun(session, { runId, token }, 'failed', failure).catch(() => undefined);
}

const planIsStale = (): LockstepError =>
  new LockstepError('LS505', {
    what: 'Somebody has migrated this database since the plan was made.',
    state: 'This run changed nothing.',
    remedy:
      'Nothing is to be done in a workflow, which makes a new plan by itself; else run the same command again.',
  });

/** What a run applied is found by its id when it is rolled back: an id that is used anew would take back too much. */
function refuseUsedRunId(runId: string, verdict: RunVerdict | undefined): void {
  if (verdict !== 'applied' && verdict !== 'reverted') return;
  throw new LockstepError('LS102', {
    what: `The run ${runId} has ended already (${verdict}), and there is something new to apply.`,
    state: NOTHING_CHANGED,
    remedy: 'Start a run with another name.',
    context: { run: runId },
  });
}
