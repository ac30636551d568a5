/**
 * Files that are not any more what the ledger has, and what `repair` does about each. Where only layout and comments
 * differ the ledger is brought up to the file; anything else a person has to accept by name, because what the
 * database is like was made by the old text. Which down script a later `down` runs is a real difference, too.
 */
import type { CatalogEntry, Migration } from './bundle.ts';
import { type CurrentEntry, isApplied, type LedgerState } from './ledger-state.ts';
import { compareRevisions, revisionKey } from './revision.ts';

/** The checksums of a down script in the ledger. */
export interface KeptDown {
  readonly sha256: string;
  readonly normalizedSha256: string;
}

export type Extent = 'none' | 'cosmetic' | 'real';

export interface Edit {
  /** What the ledger has now. */
  readonly entry: CurrentEntry;
  readonly migration: Migration;
  readonly up: Extent;
  readonly down: Extent;
}

/** By exact checksum, before anything is compiled: applied files whose up or down script is another one. */
export function editedFiles(
  { current }: LedgerState,
  catalog: readonly CatalogEntry[],
  keptDowns: ReadonlyMap<string, KeptDown>,
): CatalogEntry[] {
  const entries = new Map(current.map((e) => [revisionKey(e.revision), e]));
  return catalog.filter(({ revision, sha256, downSha256 }) => {
    const entry = entries.get(revisionKey(revision));
    // Without a checksum it was recorded without its file.
    if (!entry || !isApplied(entry) || entry.sha256 === '') return false;
    const isDownEdited = downSha256 !== undefined && keptDowns.get(entry.entryId)?.sha256 !== downSha256;
    return entry.sha256 !== sha256 || isDownEdited;
  });
}

/** How far the compiled files differ, those that do. A down file that is gone takes no way back away. */
export function editsOf(
  { current }: LedgerState,
  migrations: readonly Migration[],
  keptDowns: ReadonlyMap<string, KeptDown>,
): Edit[] {
  const edits = migrations.flatMap((migration) => {
    const entry = current.find((e) => compareRevisions(e.revision, migration.revision) === 0);
    if (!entry) return [];
    const up = extentOf(entry, migration.up);
    const down = migration.down ? extentOf(keptDowns.get(entry.entryId), migration.down) : 'none';
    return [{ entry, migration, up, down }];
  });
  return edits.filter(({ up, down }) => up !== 'none' || down !== 'none');
}

function extentOf(kept: KeptDown | undefined, file: KeptDown): Extent {
  if (kept?.sha256 === file.sha256) return 'none';
  return kept?.normalizedSha256 === file.normalizedSha256 ? 'cosmetic' : 'real';
}

export const isCosmetic = ({ up, down }: Edit): boolean => up !== 'real' && down !== 'real';

/** Those that may be recorded: cosmetic ones, and those that were accepted by their revision. */
export const mayBeRecorded = (edit: Edit, accepted: readonly string[]): boolean =>
  isCosmetic(edit) || accepted.some((revision) => compareRevisions(revision, edit.entry.revision) === 0);
