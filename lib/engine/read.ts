/** Looking only: no lease, no lock, nothing written; a database without a ledger is one where nothing is applied. */
import {
  commandProgress,
  type KeptRestorePoint,
  lockHolder,
  lookAtSession,
  PostgresLeaseStore,
  type RunEvent,
  type RunSummary,
  readEntries,
  readRestorePoint as readKeptRestorePoint,
  readLastForcedRelease,
  readLedger,
  readRepeatableRows,
  readRun,
  readRunEvents,
  readRuns as readRunRows,
  readRunSql,
  readSlowest,
  type Session,
} from '../adapters/postgres/index.ts';
import type { LeaseStore } from '../core/lease/index.ts';
import type { Measurement } from '../core/plan/index.ts';
import { LOOK, withSession } from './open-session.ts';
import { type PlanRequest, planOn } from './planning.ts';
import type {
  DatabaseStatus,
  EngineContext,
  HistoryEntry,
  PlanResult,
  RepeatableRow,
  RunRecord,
} from './types.ts';
import { unknownRun } from './unknown-run.ts';

/** Throws LS2xx for an edited file that does not compile, LS3xx, LS504, LS605. */
export const readPlan = (options: EngineContext & PlanRequest): Promise<PlanResult> =>
  withSession(options, LOOK, (session) => planOn(session, options));

/** The same, and the slowest migrations of this database, in one session. Throws the same. */
export const readMeasuredPlan = (
  options: EngineContext & PlanRequest,
): Promise<PlanResult & { readonly slowest: readonly Measurement[] }> =>
  withSession(options, LOOK, async (session) => ({
    ...(await planOn(session, options)),
    slowest: await readSlowest(session),
  }));

/** Throws LS3xx, LS605. */
export const readSlowestMigrations = (context: EngineContext): Promise<readonly Measurement[]> =>
  withSession(context, LOOK, readSlowest);

/** Every entry of the ledger, oldest first. Throws LS3xx, LS605. */
export const readHistory = (context: EngineContext): Promise<readonly HistoryEntry[]> =>
  withSession(context, LOOK, readEntries);

/** Every time that a repeatable object was applied, oldest first. Throws LS3xx, LS605. */
export const readRepeatables = (context: EngineContext): Promise<readonly RepeatableRow[]> =>
  withSession(context, LOOK, readRepeatableRows);

/** The run that began last, or the one with this id; null if there is none. Throws LS3xx, LS605. */
export const readLastRun = (context: EngineContext, runId?: string): Promise<RunRecord | null> =>
  withSession(context, LOOK, (session) => readRun(session, runId));

/** All runs, the newest first. Throws LS3xx, LS605. */
export const readRuns = (context: EngineContext): Promise<readonly RunSummary[]> =>
  withSession(context, LOOK, (session) => readRunRows(session));

export interface RunTimeline {
  readonly run: RunSummary;
  /** Oldest first. */
  readonly events: readonly RunEvent[];
}

/** One run, and what it wrote to the ledger. Throws LS3xx, LS504, LS605. */
export const readRunTimeline = (context: EngineContext, runId: string): Promise<RunTimeline> =>
  withSession(context, LOOK, (session) => timelineOf(session, runId));

/** The same, and what it applied, by the migration's name; a large script is not kept. Throws the same. */
export const readRunReport = (
  context: EngineContext,
  runId: string,
): Promise<RunTimeline & { readonly sql: ReadonlyMap<string, string> }> =>
  withSession(context, LOOK, async (session) => ({
    ...(await timelineOf(session, runId)),
    sql: await readRunSql(session, runId),
  }));

/** Throws LS3xx, LS504, LS605. */
export const readRestorePoint = (context: EngineContext, runId: string): Promise<KeptRestorePoint> =>
  withSession(context, LOOK, async (session) => {
    const kept = await readKeptRestorePoint(session, runId);
    if (!kept) throw unknownRun(runId);
    return kept;
  });

async function timelineOf(session: Session, runId: string): Promise<RunTimeline> {
  const [run] = await readRunRows(session, runId);
  if (!run) throw unknownRun(runId);
  return { run, events: await readRunEvents(session, runId) };
}

export interface StatusOptions extends EngineContext {
  readonly leases: LeaseStore | 'postgres';
  readonly target: string;
}

/** Throws LS3xx, LS404, LS605. */
export const readStatus = (options: StatusOptions): Promise<DatabaseStatus> =>
  withSession(options, LOOK, async (session) => {
    const { leases, clock, target } = options;
    const store = leases === 'postgres' ? new PostgresLeaseStore(session, (ms) => clock.sleep(ms)) : leases;
    const lock = await lockHolder(session);
    return {
      ledger: await readLedger(session),
      lastRun: await readRun(session),
      lock,
      progress: lock && (await commandProgress(session, lock.pid)),
      standoff: lock && (await lookAtSession(session, lock.pid)),
      lease: await store.read(target),
      lastForcedRelease: await readLastForcedRelease(session),
    };
  });
