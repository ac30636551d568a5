import { finishRun, readDownScripts, readLedger, startRun } from '../adapters/postgres/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import {
  type CurrentEntry,
  type LedgerState,
  makeRevertPlan,
  migrationName,
  type RevertRequest,
} from '../core/plan/index.ts';
import { recordFailure } from './apply.ts';
import { type Attempt, outOfTime, withAttempt } from './attempt.ts';
import { downChange, type Progress, runChange } from './changes.ts';
import { refuseReadOnly, refuseUnknown } from './planning.ts';
import type { RevertOptions, RevertResult } from './types.ts';

/**
 * One attempt to revert, newest first, with the down scripts of the ledger. If one of the migrations has none,
 * nothing is touched. Throws LS3xx, LS402, LS403, LS504, LS601 to LS608; what was reverted before stays so.
 */
export const revert = (options: RevertOptions): Promise<RevertResult> =>
  withAttempt(options, undefined, (attempt) => revertAsked(attempt, options.request));

export async function revertAsked(attempt: Attempt, request: RevertRequest): Promise<RevertResult> {
  const { session, runId, holder, token } = attempt;
  const ledger = await readLedger(session);
  const entries = entriesToRevert(ledger, request);
  if (entries.length === 0) return { reverted: [], token };
  refuseReadOnly(session);
  await startRun(session, { runId, holder, token, bundleDigest: '', restorePoint: null });
  try {
    const reverted = await revertEach(attempt, entries, ledger);
    await finishRun(session, { runId, token }, 'reverted');
    return { reverted, token };
  } catch (error) {
    const explained = await attempt.explain(error);
    await recordFailure(attempt, explained);
    throw explained;
  }
}

async function revertEach(
  attempt: Attempt,
  entries: readonly CurrentEntry[],
  ledger: LedgerState,
): Promise<readonly string[]> {
  const scripts = await readDownScripts(attempt.session, entries);
  const reverted: string[] = [];
  const progress: Progress = { stepsDone: 0 };
  for (const entry of entries) {
    const script = scripts.get(entry.entryId);
    if (!script) throw irreversible([entry]);
    if (!(await runChange(attempt, downChange(entry, script, attempt), ledger, progress))) throw outOfTime();
    reverted.push(migrationName(entry));
  }
  return reverted;
}

/** Newest first. Throws LS504, LS606. */
export function entriesToRevert(ledger: LedgerState, request: RevertRequest): readonly CurrentEntry[] {
  if (request.kind === 'to') refuseUnknown(request.revision, [{ revision: '0' }, ...ledger.current]);
  const plan = makeRevertPlan(ledger, request);
  if (plan.irreversible.length > 0) throw irreversible(plan.irreversible);
  return plan.revert;
}

const irreversible = (entries: readonly CurrentEntry[]): LockstepError =>
  new LockstepError('LS606', {
    what: `No down script was recorded for ${entries.map(migrationName).join(', ')}.`,
    state: NOTHING_CHANGED,
    remedy: 'Roll forward with a new migration, or go back to a restore point.',
    context: { migration: entries.map(migrationName).join(', ') },
  });
