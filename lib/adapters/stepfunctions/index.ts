/**
 * Executions of the workflow, seen from functions beside it: whether the holder of a lease is still there, how a run
 * ended, what it was asked for; and starting one.
 *
 * Invariants
 * - `executionState` answers `ended` only when Step Functions says so, because a lease is taken over on that word;
 *   whatever is not certain is `unknown`, and then the lease's own duration decides.
 * - A run is named by who asks for it: the same name is never two runs, however often it is asked for.
 *
 * Who is authoritative: Step Functions. What can fail: `executionState` never does; the others throw LS703.
 */
export * from './execution-state.ts';
export * from './runs.ts';
