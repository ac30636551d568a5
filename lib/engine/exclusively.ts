/**
 * The whole job of a process: look; wait for the lease, if something is to be done; do it; release. An attempt that
 * lost its session or its lease is repeated, with a new token: the ledger tells what it had done.
 *
 * With a lease in PostgreSQL one session does it all: it looks, polls the lock and runs the SQL. With another lease
 * store no connection is held while waiting.
 */
import { PostgresLeaseStore, type Session } from '../adapters/postgres/index.ts';
import { asLockstepError, type LockstepError } from '../core/errors/index.ts';
import { type Acquired, acquireWithin, type Lease, type LeaseStore } from '../core/lease/index.ts';
import { type Attempt, withAttempt } from './attempt.ts';
import { LOOK, withSession } from './open-session.ts';
import type { MigrateOptions } from './types.ts';

export type ExclusiveOptions = Omit<
  MigrateOptions,
  'source' | 'toRevision' | 'phase' | 'forceContract' | 'outOfOrder' | 'instance'
> & {
  readonly isDryRun?: boolean | undefined;
};
export type Admission = Extract<Acquired, { kind: 'acquired' }>;

export interface Job<Result> {
  /** Without the lease. The result, if there is nothing left to do; `waitedMs` is 0 at the first look. */
  look(session: Session, waitedMs: number): Promise<Result | undefined>;
  /**
   * Finds what is wrong with what the last look found to be done. Of many that come at once mostly one works, and so who
   * waits has it done only when it is that one, or has waited for long; and nothing is written before. Called again, it
   * has nothing to do.
   */
  readonly prepare?: () => Promise<void>;
  /** Under the lease. */
  work(attempt: Attempt, admission: Admission): Promise<Result>;
}

/** Who waits for so long should learn what is wrong with it meanwhile. */
const LONG_WAIT_MS = 5_000;
/** Enough for a fail-over in the middle; a database that ends each session needs a person. */
const MAX_ATTEMPTS = 5;
const PAUSE_MS = 1_000;

/** Throws LS401, LS404, LS605, and what the job throws. */
export async function runExclusively<Result>(options: ExclusiveOptions, job: Job<Result>): Promise<Result> {
  const { clock, signal, on } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(options, job);
    } catch (error) {
      if (!(error instanceof AttemptOver)) throw error;
      const { reason } = error;
      if (attempt === MAX_ATTEMPTS || signal?.aborted) throw reason;
      on?.({ kind: 'attempt-repeated', error: reason });
      await clock.sleep(PAUSE_MS * (0.5 + clock.random()));
    }
  }
}

/** Around the error of an attempt that another one may mend. */
class AttemptOver extends Error {
  readonly reason: LockstepError;
  constructor(reason: LockstepError) {
    super(reason.message);
    this.reason = reason;
  }
}

const REPEATABLE: readonly string[] = ['LS301', 'LS402', 'LS403'];

async function runOnce<Result>(options: ExclusiveOptions, job: Job<Result>): Promise<Result> {
  const { leases, clock } = options;
  if (leases !== 'postgres') {
    const look = (waitedMs: number) => withSession(options, LOOK, (session) => job.look(session, waitedMs));
    return runWith(options, { store: leases, look, session: undefined }, job);
  }
  return withSession(options, LOOK, async (session) => {
    const store = new PostgresLeaseStore(session, (ms) => clock.sleep(ms), options.isDryRun);
    try {
      return await runWith(options, { store, look: (waitedMs) => job.look(session, waitedMs), session }, job);
    } catch (error) {
      throw unlessLost(session, options, error);
    }
  });
}

/** The wait for the lease is over, too, when the session is lost; another one goes on with it. */
function unlessLost(session: Session, { signal }: ExclusiveOptions, error: unknown): unknown {
  if (!session.isLost || signal?.aborted || error instanceof AttemptOver) return error;
  const { code } = asLockstepError(error);
  return code === 'LS605' || code === 'LS301' ? new AttemptOver(session.lost.reason) : error;
}

interface Means<Result> {
  readonly store: LeaseStore;
  readonly look: (waitedMs: number) => Promise<Result | undefined>;
  /** The session that holds what the store holds. */
  readonly session: Session | undefined;
}

async function runWith<Result>(
  options: ExclusiveOptions,
  means: Means<Result>,
  job: Job<Result>,
): Promise<Result> {
  const { target, holder, clock, on, leaseDurationMs: durationMs, leaseWaitMs: budgetMs } = options;
  const { store, look, session } = means;
  const signals = [options.signal, session?.lost].filter((signal) => signal !== undefined);
  const startedMs = clock.nowMs();
  let result = await look(0);
  if (result !== undefined) return result;
  const isNeeded = async () => {
    result = await look(clock.nowMs() - startedMs);
    return result === undefined;
  };
  const onWait = async ({ heldBy, waitedMs }: { heldBy: string; waitedMs: number }) => {
    on?.({ kind: 'waiting', heldBy, waitedMs });
    if (waitedMs >= LONG_WAIT_MS) await job.prepare?.();
  };
  const acquired = await acquireWithin({
    store,
    target,
    holder,
    durationMs,
    budgetMs,
    clock,
    signal: AbortSignal.any(signals),
    onWait,
    isNeeded,
    beforeTry: job.prepare,
  });
  if (acquired.kind === 'not-needed') return result!;
  try {
    return await attemptWith(options, means, job, acquired);
  } finally {
    await release(options, store, acquired.lease);
  }
}

async function attemptWith<Result>(
  options: ExclusiveOptions,
  { store, session }: Means<Result>,
  job: Job<Result>,
  acquired: Admission,
): Promise<Result> {
  const { lease } = acquired;
  const attempt = { ...options, leases: store, lease, runId: options.holder, prepare: job.prepare };
  try {
    return await withAttempt(attempt, session, (running) => {
      const { token } = running;
      options.on?.({ kind: 'lease-acquired', token, tookOverFrom: acquired.tookOverFrom ?? null });
      return job.work(running, acquired);
    });
  } catch (error) {
    const reason = asLockstepError(error);
    throw REPEATABLE.includes(reason.code) ? new AttemptOver(reason) : reason;
  }
}

/** The work's outcome counts; a lease that could not be freed is taken over when it has been silent for long enough. */
async function release({ on }: ExclusiveOptions, store: LeaseStore, lease: Lease): Promise<void> {
  try {
    await store.release(lease);
  } catch (error) {
    on?.({ kind: 'lease-not-released', error: asLockstepError(error) });
  }
}
