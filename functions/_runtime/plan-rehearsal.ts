/** Holds a plan to its rehearsal before anything is done: to the one in the input, or to one on a copy that the run makes. */
import { asksOverBudget } from '../../lib/core/approval/index.ts';
import { type Plan, pendingNames } from '../../lib/core/plan/index.ts';
import { MOST_COPIES, noCopy } from '../../lib/core/rehearsal/copy-progress.ts';
import { copyId } from '../../lib/core/rehearsal/copy-store.ts';
import { type Excess, mismatchesOf } from '../../lib/core/rehearsal/document.ts';
import { admit } from '../../lib/core/rehearsal/gate.ts';
import type { Run, StartInput } from '../../lib/core/workflow/index.ts';
import type { RehearsalState } from '../../lib/core/workflow/rehearsal-payloads.ts';
import type { EngineContext } from '../../lib/engine/types.ts';
import type { Settings } from './settings.ts';

interface Planned {
  readonly run: Run;
  readonly request: StartInput;
  /** Of this run, when it planned before. */
  readonly before: RehearsalState | undefined;
  readonly plan: Plan;
  readonly settings: Settings<'target' | 'approval' | 'rehearsal' | 'rehearsalBudget'>;
  readonly bundleDigest: string;
}

export interface PlannedRehearsal {
  /** What a person has to decide about. */
  readonly excesses: readonly Excess[];
  /** Undefined where the coordinator makes no copies. */
  readonly state: RehearsalState | undefined;
}

/** Throws LS742, LS743, LS745, LS3xx. */
export async function planRehearsal(planned: Planned, database: EngineContext): Promise<PlannedRehearsal> {
  const { run, request, before, plan, settings, bundleDigest } = planned;
  const makesCopies = settings.rehearsalBudget !== undefined;
  const tries = before?.tries ?? 0;
  const stateOf = (status: RehearsalState['status']): RehearsalState | undefined =>
    makesCopies ? { copy: noCopy(''), ...before, status, tries } : undefined;
  if (plan.outcome !== 'pending' || request.dryRun) return { excesses: [], state: stateOf('not-needed') };
  const given = before?.result ?? request.rehearsal;
  const ledgerHead = given ? await ledgerHeadOf(database, run.id) : '';
  const now = { bundleDigest, ledgerHead, pending: pendingNames(plan) };
  const isGiven = given !== undefined && mismatchesOf(given, now).length === 0;
  if (makesCopies && !isGiven && tries < MOST_COPIES) {
    const copy = noCopy(copyId(settings.target, run, tries + 1));
    return { excesses: [], state: { status: 'needed', tries: tries + 1, copy } };
  }
  const gate = {
    isRequired: makesCopies || settings.rehearsal === 'required',
    isAsked: asksOverBudget(settings.approval?.when),
  };
  return { excesses: admit(given, now, gate), state: stateOf('done') };
}

/**
 * As the rehearsal found it: what this run has applied already, before it planned again, was rehearsed, too. Most runs have
 * no rehearsal, and need no code for it.
 */
async function ledgerHeadOf(database: EngineContext, runId: string): Promise<string> {
  const { readLedgerHead } = await import('../../lib/engine/rehearsal/guard.ts');
  return readLedgerHead(database, runId);
}
