import { migrationName } from '../core/plan/index.ts';
import { type HistoryEntry, readHistory } from '../engine/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { duration, table } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

export async function history(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const entries = await readHistory(target);
  const text =
    entries.length === 0
      ? `Nothing was ever applied to ${target.target}.`
      : table(entries.map(row)).join('\n');
  return { text, json: { target: target.target, entries } };
}

const row = (entry: HistoryEntry): string[] => [
  entry.at,
  entry.kind,
  migrationName(entry),
  entry.durationMs === null ? '-' : duration(entry.durationMs),
  `token ${entry.token}`,
  `run ${entry.runId}`,
];
