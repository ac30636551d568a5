/** The runs that docs/cost.md shows. */
import { COPY_BUDGET_SECONDS, MOST_COPIES } from '../core/rehearsal/copy-progress.ts';
import { RESTORE_POINT_BUDGET_SECONDS } from '../core/restore-point/index.ts';
import type { RollOutOutcomes } from './roll-out-script.ts';
import type { MigrateCall, Outcomes } from './script.ts';

const HOUR = 3600;
/** Of a function. */
const LONGEST_CALL_SECONDS = 900;

export const NOTHING_TO_DO: Outcomes = {
  isPending: false,
  restorePointSeconds: 'none',
  leaseHeldSeconds: 0,
  calls: [],
};

/** Six migrations that take ten seconds together, after a snapshot of five minutes; nobody else wants the lease. */
export const TYPICAL: Outcomes = {
  isPending: true,
  restorePointSeconds: 300,
  leaseHeldSeconds: 0,
  calls: [{ seconds: 10, ends: 'applied' }],
};

export const MIGRATING_SECONDS = 6 * HOUR;

/** The longest waits that are allowed, and then migrations for six hours. */
const longestWaits = (leaseWaitSeconds: number) => ({
  isPending: true,
  // As many as a run makes, because others migrate each time.
  copies: Array.from({ length: MOST_COPIES }, () => COPY_BUDGET_SECONDS),
  restorePointSeconds: RESTORE_POINT_BUDGET_SECONDS,
  leaseHeldSeconds: leaseWaitSeconds,
});

/** Migrations that fit into calls of a function, one after the other. */
export const longestInFunctions = (
  leaseWaitSeconds: number,
  callSeconds = LONGEST_CALL_SECONDS,
): Outcomes => ({
  ...longestWaits(leaseWaitSeconds),
  calls: callsFor(MIGRATING_SECONDS, callSeconds),
});

/** One statement that takes all the time; a call before it, which leaves it to a task, and one after it. */
export const longestInTask = (leaseWaitSeconds: number): Outcomes => ({
  ...longestWaits(leaseWaitSeconds),
  calls: [
    { seconds: 10, ends: 'task' },
    { seconds: 10, ends: 'applied' },
  ],
  taskSeconds: MIGRATING_SECONDS,
});

function callsFor(seconds: number, callSeconds: number): MigrateCall[] {
  const count = Math.ceil(seconds / callSeconds);
  return Array.from({ length: count }, (_, i) => ({
    seconds: callSeconds,
    ends: i < count - 1 ? 'more' : 'applied',
  }));
}

/** A deployment of ten minutes, which is well. */
export const HEALTHY_ROLL_OUT: RollOutOutcomes = {
  deploymentSeconds: 600,
  endsUnhealthy: false,
  goingBackSeconds: 0,
  leaseHeldSeconds: 0,
};

/** A deployment that takes all but a minute of a day, and an alarm at the end of a bake time of a day. */
export const LONGEST_ROLL_OUT: RollOutOutcomes = {
  deploymentSeconds: 24 * HOUR - 60,
  endsUnhealthy: true,
  goingBackSeconds: 0,
  leaseHeldSeconds: 0,
};

/** A deployment that is not complete within a day, takes an hour to go back, and then others migrate. */
export const longestSendingBack = (leaseWaitSeconds: number): RollOutOutcomes => ({
  deploymentSeconds: Number.POSITIVE_INFINITY,
  endsUnhealthy: false,
  goingBackSeconds: HOUR - 60,
  leaseHeldSeconds: leaseWaitSeconds,
});
