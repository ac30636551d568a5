/** How many keys the next batch covers, so that a batch takes about as long as it should. */

/** Short enough that whoever waits for a row of the batch hardly notices. */
export const TARGET_BATCH_MS = 200;
export const FIRST_BATCH_SIZE = 500;
const MOST = 100_000;
/** What a batch costs besides its rows (a trigger per statement, a slow commit) does not get less with fewer of them. */
const LEAST = 50;

/** One batch more or less is no reason to jump: caches, checkpoints and others' load make single ones slow. */
const STEEPEST = 2;

/** `durationMs` is what a batch of `size` keys took. */
export function nextBatchSize(size: number, durationMs: number, targetMs: number = TARGET_BATCH_MS): number {
  const factor = Math.min(STEEPEST, Math.max(1 / STEEPEST, targetMs / Math.max(durationMs, 1)));
  return Math.min(MOST, Math.max(LEAST, Math.round(size * factor)));
}
