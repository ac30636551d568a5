/** A run as the ledger has it, and what it wrote there. */
import type { HistoryChange } from '../foreign/history-change.ts';
import type { HeldLock } from '../locks/held-lock.ts';
import type { EntryKind } from '../plan/ledger-state.ts';

export type RunVerdict = 'running' | 'applied' | 'failed' | 'reverted';

/** A run as its row has it. */
export interface RunFacts {
  readonly runId: string;
  readonly holder: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly verdict: RunVerdict;
  readonly restorePoint: string | null;
  /** Where the write-ahead log was when it began; null where the server does not tell. */
  readonly beganAtLsn: string | null;
  readonly error: string | null;
  /** Live instances of the app past which it was made to contract, in words. */
  readonly forced: string | null;
  /** The foreign command that it ran, and what became of that one's own history, in words. */
  readonly command: string | null;
  /** What that one changed in history tables; null without a command, and where it is not known. */
  readonly histories: readonly HistoryChange[] | null;
}

export interface RunSummary extends RunFacts {
  /** Of its last attempt. */
  readonly token: number;
  /** Empty for a foreign command. */
  readonly bundleDigest: string;
  /** Entries that it wrote: migrations and repeatable objects that it applied, reverted, recorded. */
  readonly entryCount: number;
}

/** What a run wrote to the ledger, at the time when it began to. */
export interface RunEvent {
  readonly at: string;
  /** An entry of this kind; or a step of a migration that is more than one transaction. */
  readonly kind: EntryKind | 'step';
  /** 0042_add_email, R_active_users */
  readonly migration: string;
  /** From 1 on; null for an entry. Of a back-fill `at` is its last batch, and `keys` how many keys it has done. */
  readonly step: number | null;
  readonly state: 'started' | 'done' | null;
  readonly direction: 'up' | 'down' | null;
  readonly keys: number | null;
  readonly durationMs: number | null;
  readonly locks: readonly HeldLock[];
}
