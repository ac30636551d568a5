import { migrationName, repeatableName } from '../core/plan/index.ts';
import { type HistoryEntry, type RepeatableRow, readHistory, readRepeatables } from '../engine/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { duration, table } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

export async function history(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const entries = await readHistory(target);
  const repeatables = await readRepeatables(target);
  const all = [...entries.map(nameEntry), ...repeatables.map(nameRepeatable)].sort(byEntryId);
  const text =
    all.length === 0 ? `Nothing was ever applied to ${target.target}.` : table(all.map(row)).join('\n');
  return { text, json: { target: target.target, entries, repeatables } };
}

interface Named extends Pick<HistoryEntry, 'at' | 'durationMs' | 'token' | 'runId' | 'entryId'> {
  readonly kind: string;
  readonly name: string;
}

const nameEntry = (entry: HistoryEntry): Named => ({ ...entry, name: migrationName(entry) });
const nameRepeatable = (row: RepeatableRow): Named => ({
  ...row,
  kind: 'applied',
  name: repeatableName(row),
});

const byEntryId = (a: Named, b: Named): number => (BigInt(a.entryId) < BigInt(b.entryId) ? -1 : 1);

const row = (entry: Named): string[] => [
  entry.at,
  entry.kind,
  entry.name,
  entry.durationMs === null ? '-' : duration(entry.durationMs),
  `token ${entry.token}`,
  `run ${entry.runId}`,
];
