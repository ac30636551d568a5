/** What an operator, or the clean-up after a run, does to a database. */
import {
  endRuns,
  endSession,
  endSessions,
  type LockedBy,
  lockHolder,
  PostgresLeaseStore,
  readLedger,
  recordForcedRelease,
  type Session,
  stampEntries,
} from '../adapters/postgres/index.ts';
import { LockstepError } from '../core/errors/index.ts';
import type { LeaseRecord } from '../core/lease/index.ts';
import {
  compareRevisions,
  isApplied,
  type LedgerState,
  type MigrationSource,
  migrationName,
  revisionKey,
} from '../core/plan/index.ts';
import type { Attempt } from './attempt.ts';
import { upChange } from './changes.ts';
import { type ExclusiveOptions, runExclusively } from './exclusively.ts';
import { LOOK, withSession } from './open-session.ts';
import { refuseReadOnly, refuseUnknown } from './planning.ts';
import type { StatusOptions } from './read.ts';
import type { EngineContext } from './types.ts';

export interface ForceReleased {
  /** The lease as it was before; undefined if nobody ever had it. */
  readonly lease: LeaseRecord | undefined;
  /** Pid of the session that held the advisory lock. */
  readonly endedSession: number | null;
  /** That it was done is in the ledger. It is not where there was nothing to free, no ledger, or no right to write it. */
  readonly recorded: boolean;
}

/** Frees the lease whoever holds it, ends the session that holds the lock, and records who did so. Throws LS3xx, LS404. */
export function forceReleaseLock(
  options: StatusOptions & { readonly holder: string },
): Promise<ForceReleased> {
  return withSession(options, LOOK, async (session) => {
    const { leases, clock, target, holder } = options;
    const store = leases === 'postgres' ? new PostgresLeaseStore(session, (ms) => clock.sleep(ms)) : leases;
    const locked = await lockHolder(session);
    const lease = await store.forceRelease(target);
    if (locked) await endSession(session, locked);
    const freed = { releasedBy: holder, lease, locked };
    return { lease, endedSession: locked?.pid ?? null, recorded: await recordRelease(session, freed) };
  });
}

interface Freed {
  readonly releasedBy: string;
  readonly lease: LeaseRecord | undefined;
  readonly locked: LockedBy | null;
}

/** What is freed stays freed, also where the role may end sessions and not write the ledger. */
async function recordRelease(session: Session, { releasedBy, lease, locked }: Freed): Promise<boolean> {
  if (session.facts.readOnly) return false;
  const freedFrom = lease?.state === 'HELD' ? lease.holder : null;
  try {
    await endRuns(session, `its lease was released by force, by ${releasedBy}`);
    if (freedFrom === null && !locked) return false;
    return await recordForcedRelease(session, {
      releasedBy,
      freedFrom,
      token: lease?.token ?? null,
      endedSession: locked && { pid: locked.pid, applicationName: locked.applicationName },
    });
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'LS306') return false;
    throw error;
  }
}

/** Ends what a run that was stopped left in the database, and gives the number of its sessions. Throws LS3xx. */
export function endRunSessions(context: EngineContext, runId: string): Promise<number> {
  return withSession(context, LOOK, async (session) => {
    const ended = await endSessions(session, runId);
    if (!session.facts.readOnly) await endRuns(session, 'it was stopped from outside', runId);
    return ended;
  });
}

/** For an attempt that failed before it could record so itself; does nothing to a run that has ended. Throws LS3xx. */
export function recordRunFailure(context: EngineContext, runId: string, error: LockstepError): Promise<void> {
  return withSession(context, LOOK, (session) => endRuns(session, `${error.code}: ${error.what}`, runId));
}

export interface StampOptions extends ExclusiveOptions {
  readonly source: MigrationSource;
  readonly revisions: readonly string[];
}

export interface Stamped {
  /** Those that were not applied before, in the order of their revisions. */
  readonly stamped: readonly string[];
}

/** Records migrations as applied without running them. Throws LS2xx, LS3xx, LS40x, LS504. */
export function stamp(options: StampOptions): Promise<Stamped> {
  const { source, revisions } = options;
  for (const revision of revisions) refuseUnknown(revision, source.catalog);
  return runExclusively<Stamped>(options, {
    async look(session: Session) {
      if (missing(await readLedger(session), options).length === 0) return { stamped: [] };
      refuseReadOnly(session);
      return undefined;
    },
    work: (attempt) => stampMissing(attempt, options),
  });
}

async function stampMissing(attempt: Attempt, options: StampOptions): Promise<Stamped> {
  const ledger = await readLedger(attempt.session);
  const revisions = missing(ledger, options);
  return { stamped: await recordUnrun(attempt, ledger, { ...options, revisions, kind: 'stamped' }) };
}

interface Unrun {
  readonly source: MigrationSource;
  /** As the catalog writes them. */
  readonly revisions: readonly string[];
  readonly kind: 'stamped' | 'baselined';
}

/** Writes the ledger rows of migrations whose effect is there already, all of them or none; gives their names. */
export async function recordUnrun(
  attempt: Attempt,
  ledger: LedgerState,
  { source, revisions, kind }: Unrun,
): Promise<readonly string[]> {
  const migrations = await source.load(revisions);
  const ordinals = new Map(ledger.current.map((e) => [revisionKey(e.revision), e.ordinal]));
  const changes = migrations.map((m) => {
    const ordinal = (ordinals.get(revisionKey(m.revision)) ?? 0) + 1;
    return { ...upChange(m, ordinal, attempt), kind };
  });
  await stampEntries(attempt.session, changes);
  return migrations.map(migrationName);
}

/** As the catalog writes them. */
function missing({ current }: LedgerState, { source, revisions }: StampOptions): string[] {
  const isAsked = (revision: string) => revisions.some((r) => compareRevisions(r, revision) === 0);
  const isThere = (revision: string) =>
    current.some((e) => isApplied(e) && compareRevisions(e.revision, revision) === 0);
  return source.catalog.map((e) => e.revision).filter((r) => isAsked(r) && !isThere(r));
}
