import { loadParser } from '../../adapters/libpg-query/index.ts';
import type { Hazard } from '../../core/plan/bundle.ts';
import { hazardsOfSql } from '../../core/plan/compile/index.ts';

/**
 * Hazards of SQL that the ledger keeps, by the same names. It was compiled when it was applied; what today's parser
 * does not understand any more has none that are known, and is left out.
 */
export async function hazardsOfKept(
  sql: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, readonly Hazard[]>> {
  if (sql.size === 0) return new Map();
  const parser = await loadParser();
  return new Map([...sql].map(([name, text]) => [name, hazardsOfSql(name, text, parser)]));
}
