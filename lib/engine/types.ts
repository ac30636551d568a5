import type { Clock } from '../core/clock.ts';
import type { HistoryChange } from '../core/foreign/index.ts';
import type { Lease, LeaseRecord, LeaseStore } from '../core/lease/index.ts';
import type { Blocker } from '../core/locks/index.ts';
import type {
  CurrentEntry,
  LedgerState,
  MigrationSource,
  OutOfOrderPolicy,
  Plan,
  RevertPlan,
  RevertRequest,
  RunPhase,
  Step,
} from '../core/plan/index.ts';
import type { RestoreRecord } from '../core/restore-point/index.ts';

/** How to reach the database; see adapters/postgres/config.ts for where it comes from. */
export type { CommandProgress } from '../adapters/postgres/command-progress.ts';
export type { DatabaseConfig } from '../adapters/postgres/config.ts';
export type { ForcedRelease } from '../adapters/postgres/forced-releases.ts';
export type { KeptRestorePoint, RepeatableRow, RunEvent, RunSummary } from '../adapters/postgres/index.ts';
export type { Direction, EngineEvent, Observer } from './events.ts';

import type { Change } from '../adapters/postgres/change.ts';
import type { CommandProgress } from '../adapters/postgres/command-progress.ts';
import type { DatabaseConfig } from '../adapters/postgres/config.ts';
import type { ForcedRelease } from '../adapters/postgres/forced-releases.ts';
import type { Session } from '../adapters/postgres/session.ts';
import type { Observer } from './events.ts';

/** What every use case needs. */
export interface EngineContext {
  readonly database: DatabaseConfig;
  readonly clock: Clock;
  readonly on?: Observer | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly opening?: Opening | undefined;
}

/**
 * A session that is being opened already, and its first look at the ledger: each for who asks first, then undefined. So is a
 * look that failed, or was made in a session that is not the server's own: another one tells why, or better.
 */
export interface Opening {
  takeSession(): Promise<Session> | undefined;
  takeLedger(session: Session): Promise<LedgerState | undefined>;
}

/** Calls `work`, which runs the step on the session with this pid, and gives what it gives. */
export type AroundStep = <Result>(
  change: Change,
  step: Step,
  pid: number,
  work: () => Promise<Result>,
) => Promise<Result>;

/** Identity and limits of one attempt: a Lambda invocation or a process. */
export interface AttemptOptions extends EngineContext {
  readonly runId: string;
  readonly leases: LeaseStore;
  /** Acquired before; the attempt mints its own token. */
  readonly lease: Lease;
  /** What has to be found to be sound before anything is written; what it throws ends the attempt. */
  readonly prepare?: (() => Promise<void>) | undefined;
  /** Time until this attempt must have stopped; Infinity for a process. */
  readonly timeLeftMs?: (() => number) | undefined;
  /** Only tries: writes nothing to the ledger, and needs none. */
  readonly isDryRun?: boolean | undefined;
  /** For how long a step may wait for its locks, if its file does not say; default 60 s. */
  readonly lockWaitMs?: number | undefined;
  /** Stands around each step, to measure it. */
  readonly around?: AroundStep | undefined;
}

export interface ApplyOptions extends AttemptOptions {
  readonly source: MigrationSource;
  readonly toRevision?: string | undefined;
  readonly phase?: RunPhase | undefined;
  readonly forceContract?: boolean | undefined;
  /** Default `refuse`. */
  readonly outOfOrder?: OutOfOrderPolicy | undefined;
  /** Entry id that the caller's plan was made from: if others wrote since, LS505. */
  readonly planLastEntryId?: string | undefined;
  /** Milliseconds since 1970: a run with the same migrations that has failed since then has failed for this one, too. */
  readonly waitingSinceMs?: number | undefined;
  readonly restorePoint?: string | null | undefined;
  /** How to bring it back, if this attempt knows; the ledger keeps what an earlier one of the run said. */
  readonly restoreRecord?: RestoreRecord | undefined;
  /** Whether this attempt, having finished so many migrations, begins the one of this name, too; else it stops before it. */
  readonly begins?: ((migration: string, finished: number) => boolean) | undefined;
  /** There is a place where a step may take longer: `more`, not LS604, when the time is over before a step is done. */
  readonly mayEndIdle?: boolean | undefined;
}

export interface ApplyResult {
  /** `more`: stopped between two steps because time ran out, with at least one done, or as the options allow. */
  readonly outcome: 'applied' | 'more';
  /** Applied by this attempt, in order: 0042_add_email. */
  readonly applied: readonly string[];
  readonly notApplied: readonly string[];
  /** Steps and batches that this attempt has finished. */
  readonly stepsDone: number;
  readonly token: number;
}

export interface RevertOptions extends AttemptOptions {
  readonly request: RevertRequest;
}

export interface RevertResult {
  readonly reverted: readonly string[];
  readonly token: number;
}

/** `migrate()`: the whole job for a process: plan, wait for the lease, apply, release. */
export interface MigrateOptions extends EngineContext {
  readonly source: MigrationSource;
  /** `postgres`: the database itself gives the lease. */
  readonly leases: LeaseStore | 'postgres';
  readonly target: string;
  /** host:pid:uuid */
  readonly holder: string;
  readonly leaseDurationMs: number;
  readonly leaseWaitMs: number;
  /** As those of an attempt. */
  readonly lockWaitMs?: number | undefined;
  readonly around?: AroundStep | undefined;
  readonly toRevision?: string | undefined;
  /** Only migrations of this phase; all if absent. */
  readonly phase?: RunPhase | undefined;
  /** Contract also what live instances of the app may need; the run records which. */
  readonly forceContract?: boolean | undefined;
  /** Default `refuse`. */
  readonly outOfOrder?: OutOfOrderPolicy | undefined;
  /** Make the database if the server has none of this name; see docs/servers.md. */
  readonly createDatabase?: boolean | undefined;
  /** The instance of the app that this process is about to be: recorded when the schema is ready for it. */
  readonly instance?: InstanceIdentity | undefined;
}

/** An instance of the app; it says every so often that it is there, and counts as gone after three times that. */
export interface InstanceIdentity {
  readonly id: string;
  /** For people: host:pid. */
  readonly name: string;
  readonly everyMs: number;
}

export interface MigrateResult {
  readonly outcome: 'nothing-pending' | 'ahead' | 'applied';
  /** Whether this process applied something itself. */
  readonly ran: boolean;
  readonly applied: readonly string[];
  /** Those of them that were applied after higher revisions. */
  readonly outOfOrder: readonly string[];
  readonly plan: Plan;
  readonly waitedMs: number;
  /** Run of another process that was the last to apply something since this one first looked. */
  readonly appliedBy: string | null;
  readonly token: number | null;
  readonly tookOverFrom: string | null;
}

export type RevertAllOptions = Omit<
  MigrateOptions,
  'source' | 'toRevision' | 'phase' | 'forceContract' | 'outOfOrder' | 'instance'
> & {
  readonly request: RevertRequest;
};

export interface PlanResult {
  readonly plan: Plan;
  readonly ledger: LedgerState;
}

export interface DatabaseStatus {
  readonly ledger: LedgerState;
  readonly lease: LeaseRecord | undefined;
  readonly lock: LockHolder | null;
  /** Of what the lock's holder runs now, where PostgreSQL tells. */
  readonly progress: CommandProgress | null;
  /** Of the session that has the lock; null without one. */
  readonly standoff: Standoff | null;
  readonly lastRun: RunRecord | null;
  readonly lastForcedRelease: ForcedRelease | null;
}

/** The session that holds the advisory lock. */
export interface LockHolder {
  readonly pid: number;
  readonly applicationName: string;
  readonly state: string;
  readonly connectedAt: string;
  readonly queryAgeMs: number;
}

/** One row of the ledger's runs. */
export interface RunRecord {
  readonly runId: string;
  readonly holder: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly verdict: 'running' | 'applied' | 'failed' | 'reverted';
  readonly restorePoint: string | null;
  readonly applied: readonly string[];
  readonly error: string | null;
  /** Live instances of the app past which it was made to contract, in words. */
  readonly forced: string | null;
  /** The foreign command that it ran, and what became of that one's own history, in words. */
  readonly command: string | null;
  /** What that one changed in history tables; null without a command, and where it is not known. */
  readonly histories: readonly HistoryChange[] | null;
  readonly locks: readonly (HeldLock & { readonly migration: string })[];
}

/** A strong lock that a step held. */
export interface HeldLock {
  /** schema.name */
  readonly relation: string;
  /** ACCESS EXCLUSIVE, … */
  readonly mode: string;
  /** From the begin of the step's transaction: at most for so long. */
  readonly heldMs: number;
  /** Before the try that went well. */
  readonly waitedMs: number;
  readonly tries: number;
}

/** What stands between a session and others now. */
export interface Standoff {
  readonly blockedBy: readonly Blocker[];
  /** 50 means that or more. */
  readonly blocks: { readonly sessions: number; readonly longestMs: number };
}

/** One row of the ledger, for `history`. */
export interface HistoryEntry extends CurrentEntry {
  readonly at: string;
  readonly durationMs: number | null;
  readonly token: number;
  readonly locks: readonly HeldLock[];
}

export type { RevertPlan };
