/** What is read before anything is judged. Each part may fail to be read without taking the others with it. */
import type { LockstepError } from '../errors/index.ts';
import type { LeaseRecord } from '../lease/index.ts';
import type { Blocker } from '../locks/index.ts';
import type { Finding } from '../plan/findings.ts';
import type { Plan } from '../plan/index.ts';

/** What was read, or why it could not be. */
export type Reading<T> = { readonly value: T } | { readonly error: LockstepError };

export interface Facts {
  readonly address: Address;
  /** The session and what was read with it; the error if there was none. */
  readonly reached: Reading<Reached>;
  readonly lease: Reading<LeaseSeen>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: 'verify' | 'disable';
  /** This host itself, by its loop-back address or a socket. */
  readonly isLocal: boolean;
}

export interface Reached {
  readonly link: Link;
  readonly rights: Reading<Rights>;
  readonly lock: Reading<LockSeen>;
  readonly ledger: Reading<LedgerSeen>;
  /** Who holds a lock on the ledger's fence; looked up when the ledger could not be read. */
  readonly ledgerLockedBy: readonly Blocker[];
  readonly schema: Reading<SchemaSeen>;
  readonly migrations: MigrationsSeen;
  readonly surroundings: Reading<Surroundings>;
}

export interface Link {
  readonly tookMs: number;
  readonly user: string;
  readonly actingAs: string;
  readonly database: string;
  /** As the server numbers it: 180003. */
  readonly serverVersion: number;
  /** A replica, or a login that may only read. */
  readonly readOnly: boolean;
  /** The server itself gave the session: nobody between made its pid up. */
  readonly isDirect: boolean;
  /** Later statements were answered by the server session of the first one. */
  readonly isSameSession: boolean;
  /** The server looks whether a client with a running statement is still there. */
  readonly checksClient: boolean;
}

/** Of the role that the login acts as. */
export interface Rights {
  readonly schema: 'missing' | 'own' | 'readable' | 'closed';
  readonly mayCreateSchema: boolean;
  readonly maySignal: boolean;
  /** Sentences with the GRANT that an administrator has to run. */
  readonly grants: { readonly schema: string; readonly ledger: string };
}

export interface LeaseSeen {
  readonly where: 'postgres' | 'dynamodb';
  readonly record: LeaseRecord | undefined;
  /** ISO 8601: when the holder's session began, where that is the lease; its item in DynamoDB has no time. */
  readonly since: string | null;
  /** For how long nothing was heard of the holder; null if it was heard, or if nobody holds the lease. */
  readonly silentMs: number | null;
}

export interface LockSeen {
  /** The session that has the advisory lock. */
  readonly holder: (Blocker & { readonly token: number | null }) | null;
  readonly blockedBy: readonly Blocker[];
  readonly blocks: { readonly sessions: number; readonly longestMs: number };
  /** Sessions of attempts that do not have it. */
  readonly attempts: readonly (Blocker & { readonly token: number })[];
}

export interface LedgerSeen {
  /** 0 where nobody ever migrated. */
  readonly fenceToken: number;
  /** Recorded as running before and after the advisory lock was looked at. */
  readonly runs: readonly { readonly runId: string; readonly holder: string; readonly startedAt: string }[];
}

/** As `verify` reads it. */
export interface SchemaSeen {
  readonly findings: readonly Finding[];
  readonly objects: number;
  readonly notChecked: readonly string[];
}

export type MigrationsSeen =
  | { readonly kind: 'absent'; readonly why: string }
  | { readonly kind: 'read'; readonly plan: Reading<Plan> };

export interface Surroundings {
  /** The server's clock minus this host's. */
  readonly clockAheadMs: number;
  /** What the login gets without Lockstep's own settings; null for one that the server does not have. */
  readonly settings: Readonly<Record<LoginSetting, string | null>>;
  readonly connections: { readonly used: number; readonly most: number };
  /** In this database, the oldest first; prepared ones, too. Attempts of Lockstep are not among them. */
  readonly transactions: readonly Blocker[];
}

export const LOGIN_SETTINGS = [
  'statement_timeout',
  'lock_timeout',
  'idle_session_timeout',
  'transaction_timeout',
  'synchronous_commit',
] as const;
export type LoginSetting = (typeof LOGIN_SETTINGS)[number];
