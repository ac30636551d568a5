/** What is committed: the ledger's tables, the effects of migrations, and the catalogs' view of one index. */

export interface Entry {
  readonly id: number;
  readonly revision: string;
  readonly ordinal: string;
  readonly kind: string;
  readonly slug: string;
  readonly phase: string;
  readonly sha256: string;
  readonly normalizedSha256: string;
  readonly runId: string;
  readonly token: number;
}

export interface JournalRow {
  readonly revision: string;
  readonly ordinal: string;
  readonly step: string;
  state: 'started' | 'done';
  readonly sha256: string;
  readonly postcondition: string | null;
  readonly before: string | null;
  readonly migration: string;
}

export interface Run {
  readonly runId: string;
  readonly digest: string;
  token: number;
  verdict: string;
  error: string | null;
  failedMigration: string | null;
  finishedMs: number | null;
}

export interface Effect {
  readonly revision: string;
  /** Of the session that made it; 0 without one in its name. */
  readonly token: number;
}

export interface Index {
  readonly oid: string;
  isValid: boolean;
  /** The session that builds it now. */
  builder: object | undefined;
}

export class Database {
  hasLedger = false;
  fence = { token: 0, pid: 0, backendStart: '', holder: '', leaseMs: 0 };
  readonly entries: Entry[] = [];
  journal: JournalRow[] = [];
  readonly runs: Run[] = [];
  readonly effects: Effect[] = [];
  readonly indexes = new Map<string, Index>();

  /** The newest of each revision. */
  get current(): readonly Entry[] {
    const newest = new Map<string, Entry>();
    for (const entry of this.entries) newest.set(entry.revision, entry);
    return [...newest.values()].toSorted((a, b) => a.revision.localeCompare(b.revision));
  }

  journalRow(revision: string, ordinal: string, step: string): JournalRow | undefined {
    return this.journal.find((r) => r.revision === revision && r.ordinal === ordinal && r.step === step);
  }
}
