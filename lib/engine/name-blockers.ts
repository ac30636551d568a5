import { LockstepError } from '../core/errors/index.ts';
import { type Blocker, describeBlockers, LOCK_NOT_AVAILABLE, sqlstateOf } from '../core/locks/index.ts';
import type { Step } from '../core/plan/index.ts';

const NAMED: readonly string[] = ['LS601', 'LS604'];

/**
 * The error of a step with those who were in its way. A lock that was not to be had, for as long as the step may wait,
 * is LS610; outside a transaction only the author sets a lock_timeout, and it stays LS601.
 */
export function withBlockers(error: LockstepError, step: Step, blockers: readonly Blocker[]): LockstepError {
  const isLock = sqlstateOf(error) === LOCK_NOT_AVAILABLE;
  if (isLock && error.code === 'LS601' && step.kind !== 'alone') return noLock(error, blockers);
  const isTold = NAMED.includes(error.code) && blockers.length > 0;
  if (!isTold) return error;
  const { code, what, state, remedy, position, cause } = error;
  const context = { ...error.context, ...blockerFacts(blockers) };
  return new LockstepError(code, {
    what: `${what} In the way was ${describeBlockers(blockers)}.`,
    state,
    remedy,
    position,
    context,
    cause,
  });
}

const blockerFacts = ([first]: readonly Blocker[]) =>
  first ? { blockerPid: first.pid, blockerApplication: first.applicationName, blockerUser: first.user } : {};

function noLock(
  { state, position, context, cause }: LockstepError,
  blockers: readonly Blocker[],
): LockstepError {
  const place = position ? `${position.file}, line ${position.line}` : String(context.migration);
  const who =
    blockers.length > 0
      ? `in the way was ${describeBlockers(blockers)}`
      : 'who was in the way could not be seen';
  const pid = blockers.find((blocker) => blocker.pid !== null)?.pid;
  const end = pid === undefined ? '' : `, or end it (\`SELECT pg_terminate_backend(${pid})\`)`;
  return new LockstepError('LS610', {
    what: `${place}: the lock was not obtained in the time allowed; ${who}.`,
    state,
    remedy: `Run the same command again when whoever it is has ended${end}; \`-- lockstep: lock-wait=10min\` at the top of the file waits for longer.`,
    position,
    context: { ...context, ...blockerFacts(blockers) },
    cause,
  });
}
