import {
  appliedByRun,
  finishRun,
  readDownScripts,
  readLedger,
  readRun,
  type Session,
  startRun,
} from '../adapters/postgres/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import {
  type CurrentEntry,
  type LedgerState,
  makeRevertPlan,
  migrationName,
  type PartialRevision,
  type RevertRequest,
} from '../core/plan/index.ts';
import { recordFailure } from './apply.ts';
import { type Attempt, withAttempt } from './attempt.ts';
import { downChange, inOneRun } from './changes.ts';
import { runExclusively } from './exclusively.ts';
import { explainIrreversible, othersBuildOn } from './irreversible.ts';
import { refuseReadOnly, refuseUnknown } from './planning.ts';
import { type Progress, runChange } from './run-change.ts';
import type { RevertAllOptions, RevertOptions, RevertResult } from './types.ts';
import { unknownRun } from './unknown-run.ts';

/**
 * One attempt to revert, the last one applied first, with the down scripts of the ledger. If one of the migrations has
 * none, nothing is touched. Throws LS3xx, LS402, LS403, LS504, LS512, LS601 to LS608; what was reverted before stays so.
 */
export const revert = (options: RevertOptions): Promise<RevertResult> =>
  withAttempt(options, undefined, (attempt) => revertAsked(attempt, options.request));

/** The whole job of a process. Throws LS3xx, LS40x, LS504, LS512, LS601 to LS608. */
export function revertAll(options: RevertAllOptions): Promise<RevertResult> {
  return runExclusively<RevertResult>(options, {
    async look(session) {
      const entries = await entriesToRevert(session, await readLedger(session), options.request);
      if (entries.length > 0) refuseReadOnly(session);
      return entries.length === 0 ? { reverted: [], token: 0 } : undefined;
    },
    work: (attempt) => revertAsked(attempt, options.request),
  });
}

export async function revertAsked(attempt: Attempt, request: RevertRequest): Promise<RevertResult> {
  const { session, runId, holder, token } = attempt;
  const ledger = await readLedger(session);
  const entries = await entriesToRevert(session, ledger, request);
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
  const progress: Progress = { stepsDone: 0, mayEndIdle: false };
  const missing = entries.filter(({ entryId }) => !scripts.has(entryId));
  if (missing.length > 0) throw await explainIrreversible(attempt.session, missing);
  const changes = entries.map((entry) => downChange(entry, scripts.get(entry.entryId)!, attempt));
  for (const change of inOneRun(changes, ledger.partial)) {
    if (!(await runChange(attempt, change, ledger, progress)))
      throw outOfTime(reverted.length, entries.length);
    reverted.push(migrationName(change));
  }
  return reverted;
}

const outOfTime = (done: number, all: number): LockstepError =>
  new LockstepError('LS604', {
    what: `The time allowed for this attempt was over when ${done} of ${all} migrations were reverted.`,
    state: 'Those are reverted; the others are applied still, the next of them perhaps no more than in part.',
    remedy: 'Revert the rest where it may take longer: `lockstep down` has no limit.',
    context: { reverted: done, all },
  });

/** The last one applied first. Throws LS3xx, LS504, LS512, LS606. */
export async function entriesToRevert(
  session: Session,
  ledger: LedgerState,
  request: RevertRequest,
): Promise<readonly CurrentEntry[]> {
  if (request.kind === 'to') refuseUnknown(request.revision, [{ revision: '0' }, ...ledger.current]);
  const ofRun = request.kind === 'run' ? await appliedByRun(session, request.runId) : undefined;
  const { revert, irreversible, builtOn } = makeRevertPlan(ledger, request, ofRun);
  if (revert.length === 0) await refuseUnknownRun(session, request);
  if (builtOn.length > 0) throw othersBuildOn(revert, builtOn);
  if (irreversible.length > 0) throw await explainIrreversible(session, irreversible);
  const half = ledger.partial.find((p) => p.direction === 'up');
  if (half && revert.length > 0) throw halfApplied(half);
  return revert;
}

async function refuseUnknownRun(session: Session, request: RevertRequest): Promise<void> {
  if (request.kind !== 'run' || (await readRun(session, request.runId))) return;
  throw unknownRun(request.runId);
}

/**
 * It began after all that is applied, whatever its revision; its steps that are done would be gone on with as if nothing
 * had been taken away beneath them.
 */
const halfApplied = ({ revision }: PartialRevision): LockstepError =>
  new LockstepError('LS606', {
    what: `Revision ${revision} is half applied, and what was applied before it cannot be reverted meanwhile.`,
    state: NOTHING_CHANGED,
    remedy: 'Finish it with `lockstep up` (correct its file first, if it failed), then revert.',
    context: { revision },
  });
