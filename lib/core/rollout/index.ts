/**
 * The verdict of a run, and the signal that carries it to whoever deploys.
 *
 * Invariants: "roll out" is signalled only when everything asked for is applied; every run that started ends
 * in one verdict; signals may arrive more than once and carry the run's id, so receivers can drop repeats; a
 * verdict holds no secret and no row data and stays far below the 256 KiB of a state's output.
 *
 * Who is authoritative: the ledger for what is applied; the verdict reports it. What can fail: sending (LS702,
 * retried; the execution's own status is a signal that cannot be lost).
 */
export * from './build-verdict.ts';
export * from './caught-error.ts';
export * from './deployments.ts';
export * from './failed-verdict.ts';
export * from './follow-roll-out.ts';
export * from './notice.ts';
export * from './receivers.ts';
export * from './sent-back-verdict.ts';
export * from './signal.ts';
export * from './task-end.ts';
export * from './verdict.ts';
export * from './verdict-shape.ts';
