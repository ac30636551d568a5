/**
 * Planning: what is to be done to one database, decided from two values, the ledger as read and the bundle's
 * catalog. No I/O, no clock.
 *
 * Who is authoritative: the ledger, for what was applied and with which checksum; the bundle, for what is
 * asked for. Nothing else is consulted, in particular not the catalogs of the application's own schema.
 *
 * Invariants
 * - A revision counts as applied when the newest of its ledger entries is not `reverted`.
 * - Pending revisions are planned in ascending order and never below the highest applied one: such a gap is
 *   refused, because the order in which migrations run would differ from database to database, unless the caller
 *   allows it. A contract migration may be held back, and is out of order only below another contract migration
 *   (phase.ts). What is reverted goes in the order of the ledger, the last one applied first.
 * - A database that is ahead of the bundle (a rolled-back pipeline brings an older bundle) is no problem and
 *   nothing is ever planned to be reverted implicitly.
 * - An applied file whose exact checksum changed is drift, unless its normalised SQL is the same: then the
 *   change is cosmetic (line ends, comments, layout) and is only reported.
 * - Repeatable objects come after the revisions, whenever their SQL is another one than the last time; never on a
 *   database that is ahead (repeatable.ts).
 *
 * What can fail: nothing; problems are part of the plan (`outcome: 'refused'`) and become errors with
 * `refusal()` where somebody wanted to act.
 */
export * from './applied-since.ts';
export * from './baseline.ts';
export type * from './bundle.ts';
export * from './catalog.ts';
export * from './edits.ts';
export * from './instance.ts';
export * from './ledger-state.ts';
export type * from './measurement.ts';
export * from './out-of-order.ts';
export * from './phase.ts';
export * from './placement.ts';
export * from './plan.ts';
export type * from './postcondition.ts';
export * from './refusal.ts';
export * from './repeatable.ts';
export * from './revert-plan.ts';
export * from './revision.ts';
export * from './shared-failure.ts';
export * from './steps.ts';
