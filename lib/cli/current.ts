import { compareRevisions, isApplied, migrationName } from '../core/plan/index.ts';
import { readStatus } from '../engine/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { targetContext } from './frame/target-context.ts';

/** One line for scripts: the name of the newest applied migration, or `none`. */
export async function current(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const { ledger } = await readStatus({ ...target, leases: 'postgres' });
  const applied = ledger.current.filter(isApplied).sort((a, b) => compareRevisions(a.revision, b.revision));
  const newest = applied.at(-1);
  return {
    text: newest ? migrationName(newest) : 'none',
    json: { target: target.target, current: newest ?? null, appliedCount: applied.length },
  };
}
