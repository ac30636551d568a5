/** What a `down` does, decided from the ledger alone: the bundle at hand may be older than what is reverted. */
import { type CurrentEntry, isApplied, type LedgerState } from './ledger-state.ts';
import { compareRevisions } from './revision.ts';

export type RevertRequest =
  | { readonly kind: 'count'; readonly count: number }
  /** Revert everything above this revision, which stays. '0' reverts all. */
  | { readonly kind: 'to'; readonly revision: string }
  /** Revert just what one run applied. */
  | { readonly kind: 'run'; readonly runId: string };

export interface RevertPlan {
  /** The last one applied first, which is the highest one unless they ran out of order. */
  readonly revert: readonly CurrentEntry[];
  /** Those of them that have no down script: if there is one, nothing is touched. */
  readonly irreversible: readonly CurrentEntry[];
  /** Applied ones that stay, above one of them and applied after it: they may build on it. */
  readonly builtOn: readonly CurrentEntry[];
}

/** `ofRun`: the ids of the entries by which the run that is to be reverted applied something. */
export function makeRevertPlan(
  ledger: LedgerState,
  request: RevertRequest,
  ofRun: ReadonlySet<string> = new Set(),
): RevertPlan {
  const newestFirst = ledger.current.filter(isApplied).sort((a, b) => (isAfter(a, b) ? -1 : 1));
  const revert = select(newestFirst, request, ofRun);
  const staying = newestFirst.filter((e) => !revert.includes(e));
  return {
    revert,
    irreversible: revert.filter((e) => !e.reversible),
    builtOn: staying.filter((e) =>
      revert.some((r) => isAfter(e, r) && compareRevisions(e.revision, r.revision) > 0),
    ),
  };
}

const isAfter = (a: CurrentEntry, b: CurrentEntry): boolean =>
  BigInt(a.appliedEntryId) > BigInt(b.appliedEntryId);

function select(
  newestFirst: readonly CurrentEntry[],
  request: RevertRequest,
  ofRun: ReadonlySet<string>,
): readonly CurrentEntry[] {
  switch (request.kind) {
    case 'count':
      return newestFirst.slice(0, request.count);
    case 'to':
      return newestFirst.filter((e) => compareRevisions(e.revision, request.revision) > 0);
    case 'run':
      return newestFirst.filter((e) => ofRun.has(e.appliedEntryId));
    default:
      return request satisfies never;
  }
}
