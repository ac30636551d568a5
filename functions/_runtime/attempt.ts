import { asLockstepError, type LockstepError } from '../../lib/core/errors/index.ts';
import type { Invocation } from './handler.ts';
import { errorFields } from './observability.ts';

export interface Attempts {
  /** The result, or undefined when it failed. */
  <Result>(what: string, act: () => Promise<Result>): Promise<Result | undefined>;
  /** What failed, in order. */
  readonly failures: readonly LockstepError[];
}

/** For functions that end a run: one thing that fails must not keep them from the others. */
export function attemptEach(log: Invocation['log']): Attempts {
  const failures: LockstepError[] = [];
  const attempt = async <Result>(what: string, act: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await act();
    } catch (thrown) {
      const error = asLockstepError(thrown);
      failures.push(error);
      log.warn(`could not ${what}`, errorFields(error));
      return undefined;
    }
  };
  return Object.assign(attempt, { failures });
}
