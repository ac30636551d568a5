import type { ForeignTool } from './known-history.ts';

/** What a table of another migrator had, at one time. */
export interface ForeignHistory {
  readonly tool: ForeignTool;
  /** schema.name */
  readonly table: string;
  /** As the tool itself names what is applied; one may be there several times. */
  readonly ids: readonly string[];
}

export interface HistoryChange {
  readonly tool: ForeignTool;
  readonly table: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const byNumber = new Intl.Collator('en', { numeric: true });

/** What was added to and removed from each table; those in which nothing changed are left out. */
export function historyChanges(
  before: readonly ForeignHistory[],
  after: readonly ForeignHistory[],
): HistoryChange[] {
  const tables = [...new Set([...before, ...after].map(({ table }) => table))];
  return tables.flatMap((table) => {
    const [was, is] = [before, after].map((histories) => histories.find((h) => h.table === table));
    const tool = (is ?? was)!.tool;
    const added = without(is?.ids ?? [], was?.ids ?? []);
    const removed = without(was?.ids ?? [], is?.ids ?? []);
    return added.length + removed.length === 0 ? [] : [{ tool, table, added, removed }];
  });
}

/** What is left of `all` when each of `others` takes one away, in the order of the numbers in them. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const taken = new Map<string, number>();
  for (const id of others) taken.set(id, (taken.get(id) ?? 0) + 1);
  const left = all.filter((id) => {
    const n = taken.get(id) ?? 0;
    taken.set(id, n - 1);
    return n <= 0;
  });
  return left.toSorted(byNumber.compare);
}

/** More would fill a line of `status`. */
const SHOWN = 5;

/** `public.alembic_version: added 0002, removed 0001`, for one line. */
export const historyInWords = (changes: readonly HistoryChange[]): string =>
  changes
    .map(({ table, added, removed }) => {
      const parts = [...inWords('added', added), ...inWords('removed', removed)];
      return `${table}: ${parts.join(', ')}`;
    })
    .join('; ');

function inWords(verb: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : '';
  return [`${verb} ${ids.slice(0, SHOWN).join(' ')}${more}`];
}
