/**
 * Back-fills: one statement that is run again and again over a table, a range of its key at a time.
 *
 * Invariants: each batch is a transaction of its own, in which the cursor moves on together with the rows; so a
 * back-fill that is broken off goes on after the last batch that was committed, and no batch is done twice or left
 * out. Ranges are (after, upTo] in the order of a unique key, so they meet and do not overlap.
 *
 * Who is authoritative: the cursor in the ledger. What can fail: a table without a usable key (LS609), and whatever
 * the statement itself does (LS601); then the batch is rolled back, and those before it stay.
 */
export * from './batch-size.ts';
export * from './estimate.ts';
