/**
 * Restore points: a snapshot or a clone of the database, or a time to which its continuous backups reach, noted before the first
 * migration of a run that has something to do, so that a person can go back to the data as it was.
 *
 * Invariants
 * - One restore point per run: its id is made from the target and the execution, so whoever asks again finds
 *   the one that was begun.
 * - It is taken before the lease is asked for, so nobody waits for a snapshot while holding it.
 * - A restore always makes a new database, and people decide about that: the program does it only after a roll-out that
 *   was unhealthy, if the policy is to ask, and a person has approved. How it is done is in the record that the ledger keeps, with the settings that the database had at that time.
 * - Clean-up deletes only what is tagged with the same target, keeps the newest ones, and never the one of the
 *   run that cleans up, nor a clone that somebody has given an instance or protected: it may be in use. A clean-up that fails does not fail the run.
 *
 * Who is authoritative: the store that keeps them, for whether one exists and is complete; nothing is
 * remembered beside it. What can fail: LS701 (the database is in a state that allows no snapshot, a quota is
 * used up, the snapshot or clone failed or takes too long, there are no backups), before anything was changed in the database.
 */
export * from './expendable.ts';
export * from './noted-begin.ts';
export * from './point-in-time.ts';
export * from './policy.ts';
export * from './progress.ts';
export * from './restoration.ts';
export * from './restoration-request.ts';
export * from './restoration-store.ts';
export * from './restore-plan.ts';
export * from './restore-point-id.ts';
export * from './restore-point-store.ts';
export * from './restore-record.ts';
export * from './restored-verdict.ts';
