/**
 * The whole job of a process: look; wait for the lease, if something is to be done; do it; release. An attempt that
 * lost its session or its lease is repeated, with a new token: the ledger tells what it had done.
 *
 * With a lease in PostgreSQL one session does it all: it looks, polls the lock and runs the SQL. With another lease
 * store no connection is held while waiting.
 */
import type { Session } from '../adapters/postgres/index.ts';
import { asLockstepError, type LockstepError } from '../core/errors/index.ts';
import type { Acquired } from '../core/lease/index.ts';
import type { Attempt } from './attempt.ts';
import { loadTurn } from './load-turn.ts';
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
export class AttemptOver extends Error {
  readonly reason: LockstepError;
  constructor(reason: LockstepError) {
    super(reason.message);
    this.reason = reason;
  }
}

async function runOnce<Result>(options: ExclusiveOptions, job: Job<Result>): Promise<Result> {
  const { leases, clock } = options;
  if (leases !== 'postgres') {
    const startedMs = clock.nowMs();
    const look = (waitedMs: number) => withSession(options, LOOK, (session) => job.look(session, waitedMs));
    return (await look(0)) ?? (await withLease({ options, job, startedMs, look, session: undefined }));
  }
  return withSession(options, LOOK, async (session) => {
    const startedMs = clock.nowMs();
    const look = (waitedMs: number) => job.look(session, waitedMs);
    try {
      return (await look(0)) ?? (await withLease({ options, job, startedMs, look, session }));
    } catch (error) {
      throw unlessLost(session, options, error);
    }
  });
}

/** Most starts find nothing to do, and do not load it. */
async function withLease<Result>(turn: Turn<Result>): Promise<Result> {
  const { takeTurn } = await loadTurn();
  return takeTurn(turn);
}

/** What is done once the first look has found something. */
export interface Turn<Result> {
  readonly options: ExclusiveOptions;
  readonly job: Job<Result>;
  /** By the clock of the options. */
  readonly startedMs: number;
  readonly look: (waitedMs: number) => Promise<Result | undefined>;
  /** That looks, and has the lock and the lease, where the lease is in PostgreSQL. */
  readonly session: Session | undefined;
}

/** The wait for the lease is over, too, when the session is lost; another one goes on with it. */
function unlessLost(session: Session, { signal }: ExclusiveOptions, error: unknown): unknown {
  if (!session.isLost || signal?.aborted || error instanceof AttemptOver) return error;
  const { code } = asLockstepError(error);
  return code === 'LS605' || code === 'LS301' ? new AttemptOver(session.lost.reason) : error;
}
