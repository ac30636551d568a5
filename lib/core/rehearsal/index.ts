/**
 * A rehearsal: what is pending is applied to a copy of a database, and measured, before it is applied to the database
 * itself. Here is what is decided about it, and the document that is kept; lib/engine/rehearse.ts does it.
 *
 * Invariants
 * - A rehearsal is of one bundle and of one state of the ledger, and says which; of another one it says nothing.
 * - What could not be measured is null or named, never 0.
 * - Within budget is what was measured and is not above a limit; a rehearsal that failed never is.
 *
 * Who is authoritative: the copy's server, for every figure but durations, which are the client's as in any run. What can
 * fail: LS744 for a document that is none.
 */
export * from './document.ts';
export * from './footprint.ts';
export * from './gate.ts';
export * from './judge.ts';
export * from './step-locks.ts';
export * from './waits.ts';
