/** Holds a plan to the rehearsal that the run was given, before anything is done. */
import { asksOverBudget } from '../../lib/core/approval/index.ts';
import { type Plan, pendingNames } from '../../lib/core/plan/index.ts';
import type { Excess } from '../../lib/core/rehearsal/document.ts';
import { admit } from '../../lib/core/rehearsal/gate.ts';
import type { StartInput } from '../../lib/core/workflow/index.ts';
import type { EngineContext } from '../../lib/engine/types.ts';
import type { Settings } from './settings.ts';

interface Planned {
  readonly runId: string;
  readonly request: StartInput;
  readonly plan: Plan;
  readonly settings: Settings<'approval' | 'rehearsal'>;
  readonly bundleDigest: string;
}

/** What a person has to decide about. Throws LS742, LS743, LS745, LS3xx. */
export async function admitRehearsed(
  { runId, request, plan, settings, bundleDigest }: Planned,
  database: EngineContext,
): Promise<readonly Excess[]> {
  const { rehearsal } = request;
  if (plan.outcome !== 'pending' || request.dryRun) return [];
  const gate = {
    isRequired: settings.rehearsal === 'required',
    isAsked: asksOverBudget(settings.approval?.when),
  };
  const ledgerHead = rehearsal ? await ledgerHeadOf(database, runId) : '';
  return admit(rehearsal, { bundleDigest, ledgerHead, pending: pendingNames(plan) }, gate);
}

/**
 * As the rehearsal found it: what this run has applied already, before it planned again, was rehearsed, too. Most runs have
 * no rehearsal, and need no code for it.
 */
async function ledgerHeadOf(database: EngineContext, runId: string): Promise<string> {
  const { readLedgerHead } = await import('../../lib/engine/rehearsal/guard.ts');
  return readLedgerHead(database, runId);
}
