/**
 * The workflow's contract: names of states, payloads of the handlers behind them, pure decisions of waiting.
 * The constructs (which synthesize the state machine) and the functions (which are its tasks) both import it,
 * so a name or a field cannot differ between them.
 *
 * Plan ─nothing pending / ahead───────────────────────────────────────► SignalRollOut ─► Succeeded
 *  │ └dry run──────────────────────────────────────────────────────────────────────────► Succeeded
 *  └pending ─► TakeRestorePoint ⟲ ─► AcquireLease ⟲ ─► Migrate ⟲ ─► ReleaseLease ─► SignalRollOut
 *                                         ▲               │
 *        ReleaseLeaseForReplan ─► Plan    └ stale, lost ──┤
 *                                                         └ failed ─► RollBack ─► ReleaseLeaseAfterFailure
 *                                                                             ─► SignalRollBack ─► Failed
 *                                                                         could not be sent ─► FailedUnsignalled
 *
 * With approvals: pending ─► ApprovalNeeded ─yes─► AskForApproval ─answered, however─► CheckApproval ─► AnythingPending
 *                               └ no, or approved ─► TakeRestorePoint    ReleaseLeaseForReplan ─► CheckApproval
 *
 * With long-running tasks: Migrate ─too long for a function─► MigrateInTask ─ended, however─► Migrate
 *
 * Invariants
 * - No lease, restore point or write unless something is pending.
 * - Every handler may be called again with the same input, also while its predecessor still runs.
 * - Every failure of any state ends in RollBack, which builds the verdict; RollBack touches the schema only
 *   while this run holds the lease.
 * - Payloads are small, typed and free of secrets and row data.
 *
 * Who is authoritative: the ledger for what this run applied (RollBack reads it, the payload only reports);
 * the lease store for who may act. An execution that is stopped or timed out runs no Catch: the CleanUp
 * function, started by an event, releases its lease and signals; without it the next run takes over.
 */
export * from './certificate-file.ts';
export * from './deployer-payloads.ts';
export * from './metric-name.ts';
export * from './payloads.ts';
export * from './roll-out-payloads.ts';
export * from './run.ts';
export * from './run-request.ts';
export * from './state-name.ts';
export * from './task-container.ts';
export * from './task-input.ts';
export * from './waiting.ts';
