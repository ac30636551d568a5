/**
 * The lease: who may migrate a target now. It gives admission and liveness; safety against a holder that was
 * paused after it looked is PostgreSQL's part (fence row, advisory lock, ledger key), never the lease's.
 *
 * The item: one per target, never deleted, without expiry. FREE or HELD; `recordVersion`, a new uuid per write;
 * `token`, the fencing token, which only grows.
 *
 *   absent ──acquire──► HELD(holder) ──mint: token+1──► HELD ──renew*──► HELD ──release──► FREE
 *      FREE ──acquire──►   │                                                              ▲
 *                          └── recordVersion unchanged for durationMs, as the watcher ────┘ (take over:
 *                              itself measured it → acquire on condition it is unchanged)    HELD(watcher))
 *
 * Who is authoritative: the store, by conditional writes. No host's wall clock is ever compared with
 * another's, and none is stored: a watcher adds up time by its own monotonic clock (a workflow: by the seconds
 * of its Wait states) while the record version stays the same.
 *
 * Each attempt (one Lambda invocation, one process) mints a token of its own, on condition that its holder
 * still holds; a renewal succeeds only with the newest token, so of two attempts of one holder the older one
 * learns at its next renewal that it has been replaced.
 *
 * What can fail: the store (LS404, retryable); a write whose reply is lost (the record version read back is
 * the one that was sent: it was ours); the holder disappears (taken over after durationMs); the lease is taken
 * from a holder that was too slow (LS402 at its next renewal, mint or release).
 */
export * from './acquire.ts';
export * from './attributes.ts';
export * from './cas-lease-store.ts';
export * from './held-lease.ts';
export * from './keep.ts';
export * from './lease-store.ts';
export * from './orphan.ts';
export * from './watch.ts';
export * from './workflow-acquire.ts';
