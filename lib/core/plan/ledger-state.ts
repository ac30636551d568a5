/** The ledger as planning sees it. The tables behind it are in adapters/postgres/ledger-schema.ts. */
import type { Phase } from './catalog.ts';

export const ENTRY_KINDS = ['applied', 'reverted', 'stamped', 'baselined', 'repaired'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** The newest entry of one revision. */
export interface CurrentEntry {
  /** As the file name had it. */
  readonly revision: string;
  readonly slug: string;
  readonly phase: Phase;
  readonly kind: EntryKind;
  /** 1 for the first entry of a revision, then 2, …; the primary key of the ledger is (revision, ordinal). */
  readonly ordinal: number;
  readonly sha256: string;
  readonly normalizedSha256: string;
  readonly reversible: boolean;
  readonly runId: string;
  /** Order of entries over the whole ledger; decimal string of a bigint. */
  readonly entryId: string;
  /** Of the entry by which it was applied: another one, if what is newest is `repaired`. */
  readonly appliedEntryId: string;
}

/** A migration of several steps of which some are done and the last is not: the next attempt goes on there. */
export interface PartialRevision {
  readonly revision: string;
  /** 0042_add_email */
  readonly migration: string;
  readonly ordinal: number;
  readonly direction: 'up' | 'down';
  /** Steps that are journalled as done. */
  readonly stepsDone: readonly number[];
  /** A non-transactional step whose start is journalled, but not its end. */
  readonly stepStarted: number | null;
}

/** The newest row of one repeatable object. */
export interface CurrentRepeatable {
  readonly name: string;
  /** 1 for the first row of a name, then 2, … */
  readonly ordinal: number;
  readonly sha256: string;
  readonly normalizedSha256: string;
  readonly runId: string;
  /** In one order with those of the entries. */
  readonly entryId: string;
  /** Whether any migration was reverted since. */
  readonly revertedSince: boolean;
}

export interface LedgerState {
  readonly current: readonly CurrentEntry[];
  readonly repeatables: readonly CurrentRepeatable[];
  readonly partial: readonly PartialRevision[];
  /** The highest entry id, that of repeatable objects included; '0' in an empty ledger. */
  readonly lastEntryId: string;
}

export const EMPTY_LEDGER: LedgerState = { current: [], repeatables: [], partial: [], lastEntryId: '0' };

export const isApplied = (entry: CurrentEntry): boolean => entry.kind !== 'reverted';
