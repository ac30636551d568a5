import type { LedgerState, MigrationSource, PendingRepeatable } from '../core/plan/index.ts';
import { repeatableName } from '../core/plan/index.ts';
import type { Attempt } from './attempt.ts';
import { repeatableChange } from './changes.ts';
import { type Progress, runChange } from './run-change.ts';

/**
 * Applies repeatable objects in the order of their names, and gives those that are done: fewer than all when the time
 * was over. The revisions have to be applied before. Throws what a migration throws.
 */
export async function applyRepeatables(
  attempt: Attempt,
  source: MigrationSource,
  pending: readonly PendingRepeatable[],
  ledger: LedgerState,
  progress: Progress,
): Promise<readonly string[]> {
  const compiled = await source.loadRepeatables(pending.map(({ name }) => name));
  const applied: string[] = [];
  for (const [index, repeatable] of compiled.entries()) {
    const change = repeatableChange(repeatable, pending[index]!.ordinal, attempt);
    if (!(await runChange(attempt, change, ledger, progress))) break;
    applied.push(repeatableName(repeatable));
  }
  return applied;
}
