/** Who has applied what was pending when a ledger was read before. */
import type { LedgerState } from './ledger-state.ts';

/** The run that wrote the newest of what is applied and was not there at `before`; null if nothing is. */
export function appliedSince({ current, repeatables }: LedgerState, before: LedgerState): string | null {
  const applied = current.filter(({ kind }) => kind === 'applied');
  const [newest] = [...applied, ...repeatables]
    .filter(({ entryId }) => BigInt(entryId) > BigInt(before.lastEntryId))
    .toSorted((a, b) => (BigInt(a.entryId) < BigInt(b.entryId) ? 1 : -1));
  return newest?.runId ?? null;
}
