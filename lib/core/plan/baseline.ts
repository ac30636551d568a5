/** Where the history of a database begins that was there before its ledger. */
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import type { CatalogEntry } from './bundle.ts';
import { type CurrentEntry, isApplied, type LedgerState } from './ledger-state.ts';
import { compareRevisions } from './revision.ts';

/**
 * The revisions that a baseline records, ascending; none when the ledger begins with just this baseline already, so
 * that asking twice, or two at once, is no failure. Throws LS506 for a ledger with another history.
 */
export function revisionsToBaseline(
  ledger: LedgerState,
  catalog: readonly CatalogEntry[],
  upTo: string,
): readonly string[] {
  const isBelow = (revision: string) => compareRevisions(revision, upTo) <= 0;
  const wanted = catalog.map((e) => e.revision).filter(isBelow);
  const applied = ledger.current.filter(isApplied);
  const found = [...applied, ...ledger.partial][0]?.revision;
  if (found === undefined) return wanted;
  // What came to it since the baseline was recorded is above it.
  const isOfBaseline = ({ kind, revision }: CurrentEntry) =>
    isBelow(revision) ? kind === 'baselined' || kind === 'repaired' : kind !== 'baselined';
  const isThere = (revision: string) => applied.some((e) => compareRevisions(e.revision, revision) === 0);
  if (!applied.every(isOfBaseline) || !wanted.every(isThere)) throw hasHistory(upTo, found);
  return [];
}

const hasHistory = (upTo: string, found: string): LockstepError =>
  new LockstepError('LS506', {
    what: `The ledger has a history already (revision ${found}), so it cannot begin with a baseline at ${upTo}.`,
    state: NOTHING_CHANGED,
    remedy:
      'Record what is there already and not in the ledger with `lockstep stamp`; `lockstep up` applies the rest.',
    context: { revision: upTo, found },
  });
