/**
 * Locks on relations: which ones a migration takes, who stands in the way of them, for how long to be patient.
 *
 * Waiting in the server for a strong lock is what takes systems down: everybody who comes later queues behind the one
 * who waits, readers too. So a step that takes one first looks who is in the way, waits for those outside any
 * transaction, then tries for no longer than lock_timeout, and after a try that failed begins again.
 *
 * Invariants
 * - Locks are inferred when a file is compiled, by PostgreSQL's own parser, and travel in the bundle.
 * - A step that waits for others before it tries holds nothing: no lock, no transaction, no snapshot.
 * - A try is the whole transaction, from BEGIN; nothing of one that failed is left, so nothing is done twice.
 * - What is told of other sessions holds no text of their queries, but for the name of the command.
 *
 * Who is authoritative: the server, for what is locked and by whom. Inference is knowledge about statements, not about
 * the database: what functions and DO blocks lock is not seen, nor are tables that a statement does not name. Those are
 * met with lock_timeout and another try alone.
 *
 * What can fail: nothing here; LS610 is made by who waits in vain.
 */
export * from './blocker.ts';
export * from './held-lock.ts';
export * from './lock-mode.ts';
export * from './patience.ts';
