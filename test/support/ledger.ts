/** A ledger and a bundle's catalog as values, for decisions without a database. */
import type { CatalogEntry, CurrentEntry, EntryKind, LedgerState } from '../../lib/core/plan/index.ts';

export const catalogOf = (...revisions: readonly string[]): CatalogEntry[] =>
  revisions.map((revision) => ({ revision, slug: 'x', phase: 'expand', sha256: `sum of ${revision}` }));

/** What was written for each of these revisions at last, in the order in which it was. */
export function ledgerOf(
  ...written: readonly (string | readonly [revision: string, kind: EntryKind])[]
): LedgerState {
  const current = written.map((one, index): CurrentEntry => {
    const [revision, kind] = typeof one === 'string' ? [one, 'applied' as const] : one;
    const entryId = String(index + 1);
    return {
      revision,
      slug: 'x',
      phase: 'expand',
      kind,
      ordinal: 1,
      sha256: `sum of ${revision}`,
      normalizedSha256: `tokens of ${revision}`,
      reversible: true,
      runId: `run ${entryId}`,
      entryId,
      appliedEntryId: entryId,
    };
  });
  return { current, repeatables: [], partial: [], lastEntryId: String(written.length) };
}
