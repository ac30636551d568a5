/**
 * A process's turn: it waits for the lease, looking whether there is still something to do, then works under it, and frees
 * it. What comes before, and again after an attempt that another one may mend, is in exclusively.ts.
 */
import { PostgresLeaseStore } from '../adapters/postgres/index.ts';
import { asLockstepError } from '../core/errors/index.ts';
import { acquireWithin, type Lease, type LeaseStore } from '../core/lease/index.ts';
import { withAttempt } from './attempt.ts';
import { type Admission, AttemptOver, type ExclusiveOptions, type Turn } from './exclusively.ts';

const REPEATABLE: readonly string[] = ['LS301', 'LS402', 'LS403'];

/** Throws AttemptOver, LS401, LS404, LS605, and what the job throws. */
export async function takeTurn<Result>(turn: Turn<Result>): Promise<Result> {
  const { options, job, startedMs, look, session } = turn;
  const { target, holder, clock, on, leaseDurationMs: durationMs, leaseWaitMs: budgetMs } = options;
  const store = storeOf(turn);
  const signals = [options.signal, session?.lost].filter((signal) => signal !== undefined);
  let result: Result | undefined;
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
    return await attemptWith(turn, store, acquired);
  } finally {
    await release(options, store, acquired.lease);
  }
}

/** Who waits for so long should learn what is wrong with it meanwhile. */
const LONG_WAIT_MS = 5_000;

/** A session is given only where it holds the lease. */
function storeOf<Result>({ options: { leases, clock, isDryRun }, session }: Turn<Result>): LeaseStore {
  return leases === 'postgres' ? new PostgresLeaseStore(session!, (ms) => clock.sleep(ms), isDryRun) : leases;
}

async function attemptWith<Result>(
  { options, job, session }: Turn<Result>,
  store: LeaseStore,
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
