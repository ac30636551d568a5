/** The runs that docs/cost.md shows. */
import { RESTORE_POINT_BUDGET_SECONDS } from '../core/restore-point/index.ts';
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
