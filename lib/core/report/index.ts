/**
 * The report of a run: one file that needs no network and runs no script, to be kept with a release or sent to whoever asks.
 *
 * Invariants: everything in it is a value that was escaped, or text of this folder; what a browser may load is nothing, and
 * of styles only the page's own count (its policy says so in the page itself). It is readable without colours, at the width of
 * a phone, and on paper. Times are those of the database's clock.
 *
 * Who is authoritative: the ledger, for what was done; the verdict of the workflow, where there is one, for what it means.
 * Nothing here can fail.
 */
export * from './page.ts';
export * from './place.ts';
export * from './run.ts';
export { bars, type Timeline } from './timeline.ts';
