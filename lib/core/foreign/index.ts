/**
 * A foreign command under Lockstep's lease and lock: what it is to the engine, what other migrators' history tables
 * look like, and how a run of it failed.
 *
 * Invariants: the name of a command is its program's, never an argument, which may hold a password; a history is read
 * for people only, and decides nothing.
 *
 * Who is authoritative: the command's exit code for the verdict; its own history for what it has applied. The ledger
 * has a run for it, and no entry: nothing is claimed about migrations that Lockstep did not run.
 *
 * What can fail: LS801 to LS806.
 */
export * from './command.ts';
export * from './command-errors.ts';
export * from './command-verdict.ts';
export * from './history-change.ts';
export * from './known-history.ts';
