/**
 * What the tasks of a run answer, and what they do with the lease. How long the waits are is decided by the code that
 * decides it in the functions; only what comes from outside is given: what is pending, how long others take.
 */
import { stepWorkflowAcquire } from '../core/lease/index.ts';
import { type CopyProgress, noCopy, stepCopy } from '../core/rehearsal/copy-progress.ts';
import { stepRestorePoint } from '../core/restore-point/index.ts';
import {
  type LeaseProgress,
  type RestorePointProgress,
  StateName,
  TASK_START_SECONDS,
} from '../core/workflow/index.ts';
import type { Data } from './choose.ts';
import type { CountedLease } from './counted-lease.ts';
import type { Answer, Script } from './walk.ts';

/** One call of Migrate: what its SQL takes, and how it goes on. */
export interface MigrateCall {
  readonly seconds: number;
  readonly ends: 'applied' | 'more' | 'task';
}

export interface Outcomes {
  readonly isPending: boolean;
  /** How long it takes to become available; 'none' if none is taken. */
  readonly restorePointSeconds: number | 'none';
  /** For how long another run goes on holding the lease, and renewing it. */
  readonly leaseHeldSeconds: number;
  readonly calls: readonly MigrateCall[];
  /** How long each copy for a rehearsal takes until it is ready; none where the machine makes none. */
  readonly copies?: readonly number[] | undefined;
  /** What a task takes, if a call asks for one. */
  readonly taskSeconds?: number | undefined;
}

/** Of calls that wait for nothing. Assumed, rounded up: a call is slower when it is the first one for a while. */
export const ASSUMED_SECONDS = { plan: 2, otherCall: 0.5, putEvents: 0.1 } as const;

export interface Surroundings {
  readonly lease: CountedLease;
  readonly leaseWaitSeconds: number;
}

/** One look at the lease, which another run goes on holding, and renewing, for so long. */
export async function acquire(
  data: Data,
  heldSeconds: number,
  { lease, leaseWaitSeconds }: Surroundings,
): Promise<Answer> {
  const previous = data.lease as LeaseProgress;
  const isHeld = previous.waitedSeconds + previous.waitSeconds < heldSeconds;
  if (isHeld) lease.heldByOther();
  else if (previous.waitSeconds > 0) lease.freedByOther();
  const result = await stepWorkflowAcquire({
    target: 'orders',
    previous,
    tryAcquire: (takeOver) => lease.tryAcquire(takeOver),
    holderIsGone: async () => false,
    maxWaitSeconds: leaseWaitSeconds,
  });
  return { seconds: ASSUMED_SECONDS.otherCall, result };
}

export function scriptOf(outcomes: Outcomes, { lease, leaseWaitSeconds }: Surroundings): Script {
  const calls = [...outcomes.calls];
  const copies = [...(outcomes.copies ?? [])];
  const { plan, otherCall, putEvents } = ASSUMED_SECONDS;
  const answers: Readonly<Partial<Record<string, (data: Data) => Answer | Promise<Answer>>>> = {
    [StateName.Plan]: () => ({ seconds: plan, result: planned(outcomes, copies) }),
    // What its task gets, or the state as a whole.
    [StateName.MakeCopy]: ({ rehearsal, copy = (rehearsal as Data).copy }) => ({
      seconds: otherCall,
      result: copyAfter(copy as CopyProgress, copies[0] ?? 0),
    }),
    [StateName.Rehearse]: () => {
      copies.shift();
      return { seconds: LONGEST_REHEARSAL_SECONDS, result: {} };
    },
    [StateName.RemoveCopy]: () => ({ seconds: otherCall, result: {} }),
    [StateName.CheckRehearsal]: () => ({ seconds: plan, result: planned(outcomes, copies) }),
    [StateName.TakeRestorePoint]: ({ restorePoint }) => ({
      seconds: otherCall,
      result: restorePointAfter(restorePoint as RestorePointProgress, outcomes),
    }),
    [StateName.AcquireLease]: (data) => acquire(data, outcomes.leaseHeldSeconds, { lease, leaseWaitSeconds }),
    [StateName.Migrate]: async (data) => {
      const call = calls.shift();
      if (!call) throw new Error('Migrate is called more often than the outcomes say');
      await lease.attempt(call.seconds);
      if (call.ends === 'task') await lease.lengthen(TASK_START_SECONDS);
      return { seconds: call.seconds, result: { ...data, progress: progressAfter(call), verdict: {} } };
    },
    [StateName.MigrateInTask]: async () => {
      const seconds = outcomes.taskSeconds ?? 0;
      await lease.attempt(seconds);
      return { seconds, result: {} };
    },
    [StateName.ReleaseLease]: async () => {
      await lease.release();
      return { seconds: otherCall, result: {} };
    },
    [StateName.FollowRollOut]: () => ({ seconds: putEvents, result: {} }),
    [StateName.SignalRollOut]: () => ({ seconds: putEvents, result: {} }),
  };
  return ({ state, data }) => {
    const answer = answers[state];
    if (!answer) throw new Error(`What ${state} answers is not in the script`);
    return answer(data);
  };
}

/** Of Plan's output, what the machine looks at. */
const planned = ({ isPending, restorePointSeconds }: Outcomes, copies: readonly number[]) => ({
  rehearsal: { status: copies.length > 0 ? 'needed' : 'done', copy: noCopy('copy') },
  outcome: isPending ? 'pending' : 'nothing-pending',
  restorePoint: {
    status: restorePointSeconds === 'none' ? 'none' : 'requested',
    id: null,
    waitSeconds: 0,
    waitedSeconds: 0,
  } satisfies RestorePointProgress,
  lease: {
    acquired: false,
    heldBy: null,
    watch: null,
    waitSeconds: 0,
    waitedSeconds: 0,
  } satisfies LeaseProgress,
  progress: { outcome: 'not-started' },
  plan: { bundle: null, toRevision: null, phase: null },
  verdict: {},
});

/** One call of a function. */
const LONGEST_REHEARSAL_SECONDS = 900;

function copyAfter(previous: CopyProgress, seconds: number): CopyProgress {
  const isReady = previous.waitedSeconds + previous.waitSeconds >= seconds;
  return stepCopy(previous, isReady ? { kind: 'ready', host: 'copy', port: 5432 } : { kind: 'creating' });
}

function restorePointAfter(
  previous: RestorePointProgress,
  { restorePointSeconds }: Outcomes,
): RestorePointProgress {
  if (restorePointSeconds === 'none') return previous;
  const isAvailable = previous.waitedSeconds + previous.waitSeconds >= restorePointSeconds;
  return stepRestorePoint(previous, 'snapshot', { kind: isAvailable ? 'available' : 'creating' });
}

/** With `task` as an input that the machine can pass on; what is in it costs nothing. */
const progressAfter = ({ ends }: MigrateCall) =>
  ends === 'applied'
    ? { outcome: 'applied' }
    : { outcome: 'more', next: ends === 'task' ? 'task' : 'function', task: {} };
