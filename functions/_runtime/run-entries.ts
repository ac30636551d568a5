import {
  compareRevisions,
  type EntryKind,
  type LedgerState,
  migrationName,
  repeatableName,
} from '../../lib/core/plan/index.ts';

/** Migrations whose newest ledger entry is of this kind and of this run, by name, oldest revision first. */
export const entriesOf = (runId: string, kind: EntryKind, ledger: LedgerState): string[] =>
  ledger.current
    .filter((entry) => entry.runId === runId && entry.kind === kind)
    .sort((a, b) => compareRevisions(a.revision, b.revision))
    .map(migrationName);

/** Repeatable objects that this run was the last one to apply. */
export const repeatablesOf = (runId: string, ledger: LedgerState): string[] =>
  ledger.repeatables.filter((row) => row.runId === runId).map(repeatableName);
