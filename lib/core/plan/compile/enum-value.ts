/**
 * A value that ALTER TYPE … ADD VALUE adds cannot be used before the transaction is committed. What uses it cannot be
 * told from the text alone (a function, a cast), but nearly always it is written there, in whatever kind of quotes.
 */
import type { ParsedStatement } from './parser.ts';
import type { SourceText } from './source-text.ts';

/** Whether what follows has to wait for the statement with this index to be committed. */
export function addsValueUsedLater(
  source: SourceText,
  statements: readonly ParsedStatement[],
  index: number,
): boolean {
  const added = statements[index]?.node.AlterEnumStmt;
  if (added?.newVal === undefined || added.oldVal !== undefined) return false;
  const spellings = [added.newVal, added.newVal.replaceAll("'", "''")];
  return statements.slice(index + 1).some(({ start, end }) => {
    const text = source.bytes.toString('utf8', start, end);
    return spellings.some((spelling) => text.includes(spelling));
  });
}
