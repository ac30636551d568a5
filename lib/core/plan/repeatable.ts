/**
 * Repeatable objects: views, functions, grants, each in a file `R_<name>.sql` that says what there is to be. It is
 * applied after the revisions whenever its SQL is another one than the last time.
 *
 * - An edit of comments or layout is none: the checksum over the tokens decides.
 * - After a revert all of them are applied once more: a down script may have taken one away with the table under it.
 * - A database that is ahead of the bundle keeps what it has; so does one that is asked to go to a revision below the
 *   bundle's highest, because the objects may need what is above.
 */
import type { RepeatableEntry } from './bundle.ts';
import type { CurrentRepeatable, LedgerState } from './ledger-state.ts';

export interface PendingRepeatable {
  readonly name: string;
  /** The ordinal that its ledger row will have. */
  readonly ordinal: number;
}

/** `R_active_users`: how people name a repeatable object, and what its file is called. */
export const repeatableName = ({ name }: { readonly name: string }): string => `R_${name}`;

/** Of a migration or a repeatable object; the name of a migration begins with a digit. */
export const isRepeatableName = (name: string): boolean => name.startsWith('R_');

/** Those that are applied with another exact checksum: the caller has them compiled to learn whether it matters. */
export function editedRepeatables(
  { repeatables }: LedgerState,
  entries: readonly RepeatableEntry[],
): RepeatableEntry[] {
  const current = byName(repeatables);
  return entries.filter(({ name, sha256 }) => {
    const known = current.get(name);
    return known !== undefined && !known.revertedSince && known.sha256 !== sha256;
  });
}

/** In the order of their names. `normalized`: checksums of those that were edited, by `R_<name>`. */
export function pendingRepeatables(
  ledger: LedgerState,
  entries: readonly RepeatableEntry[],
  normalized: ReadonlyMap<string, string>,
): PendingRepeatable[] {
  const current = byName(ledger.repeatables);
  const edited = new Set(editedRepeatables(ledger, entries));
  return entries.flatMap((entry) => {
    const { name } = entry;
    const known = current.get(name);
    const isCurrent =
      known !== undefined &&
      !known.revertedSince &&
      (!edited.has(entry) || normalized.get(repeatableName(entry)) === known.normalizedSha256);
    return isCurrent ? [] : [{ name, ordinal: (known?.ordinal ?? 0) + 1 }];
  });
}

const byName = (repeatables: readonly CurrentRepeatable[]): Map<string, CurrentRepeatable> =>
  new Map(repeatables.map((r) => [r.name, r]));
