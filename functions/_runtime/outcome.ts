/** What a run left in the database, as its verdict reports it. */
import {
  compareRevisions,
  type LedgerState,
  type MigrationSource,
  migrationName,
  type Plan,
  pendingNames,
} from '../../lib/core/plan/index.ts';
import type { LedgerFacts } from '../../lib/core/rollout/index.ts';
import { type EngineContext, type RunRecord, readLastRun, readPlan } from '../../lib/engine/index.ts';
import { entriesOf, repeatablesOf } from './run-entries.ts';

export interface Outcome extends LedgerFacts {
  /** By this run, or the one that takes it back; newest first. */
  readonly reverted: readonly string[];
  /** The ledger's own record of the run; null when it did not get as far, or when another run came after it. */
  readonly record: RunRecord | null;
}

/** `revertedBy`: who may have reverted it, if not the run itself. Throws LS3xx. */
export async function readOutcome(
  runId: string,
  context: EngineContext & { readonly source: MigrationSource },
  revertedBy: string = runId,
): Promise<Outcome> {
  const { plan, ledger } = await readPlan(context);
  const last = await readLastRun(context);
  return {
    applied: entriesOf(runId, 'applied', ledger),
    reverted: entriesOf(revertedBy, 'reverted', ledger).reverse(),
    repeatables: repeatablesOf(runId, ledger),
    notApplied: pendingNames(plan),
    partial: partial(ledger, plan),
    record: last?.runId === runId ? last : null,
    command: last?.runId === runId ? last.command : null,
  };
}

function partial(ledger: LedgerState, plan: Plan): string[] {
  const known = [...plan.pending, ...ledger.current];
  return ledger.partial.map(({ revision }) => {
    const migration = known.find((m) => compareRevisions(m.revision, revision) === 0);
    return migration ? migrationName(migration) : revision;
  });
}
