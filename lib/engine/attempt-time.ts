/** The time that an attempt has, and what it fails with when it is over. */
import { LockstepError } from '../core/errors/index.ts';

/** A statement's own timeout is set to the time left: when it strikes, this little may be left by the clock. */
const HARDLY_ANY_MS = 250;

/** Less is no use for a step: it would be cancelled in the middle. */
const LEAST_STEP_MS = 1_000;

export const hasTime = ({ timeLeftMs }: { readonly timeLeftMs: () => number }): boolean =>
  timeLeftMs() >= LEAST_STEP_MS;

export const isTimeOver = (timeLeftMs: () => number): boolean => timeLeftMs() < HARDLY_ANY_MS;

const STATE =
  'Migrations that were finished stay; the one in progress was rolled back, or is completed by the next attempt.';

export const outOfTime = (): LockstepError =>
  new LockstepError('LS604', {
    what: 'The time allowed for this attempt was over before it had finished a single step.',
    state: STATE,
    remedy: 'Make the statement smaller, or run it where it may take longer: `lockstep up` has no limit.',
  });

export const interrupted = (): LockstepError =>
  new LockstepError('LS605', {
    what: 'Interrupted.',
    state: STATE,
    remedy: 'Run the same command again: it goes on after the last migration that is applied.',
  });
