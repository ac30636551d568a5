/** How many keys the next batch covers, so that a batch takes about as long as it should. */

/** Short enough that whoever waits for a row of the batch hardly notices. */
export const TARGET_BATCH_MS = 200;
export const FIRST_BATCH_SIZE = 500;
const MOST = 100_000;
/** What a batch costs besides its rows (a trigger per statement, a slow commit) does not get less with fewer of them. */
const LEAST = 50;

/** One batch more or less is no reason to jump: caches, checkpoints and others' load make single ones slow. */
const STEEPEST = 2;

/**
 * What others commit meanwhile waits until the server's log is on disk as far as that, and so for what the batch has
 * written: in the bench's case G the slowest hundredth of the load took 4 ms with 1 MB at once, and 7 ms with all that is
 * written in 200 ms.
 */
const MOST_WAL_BYTES = 1_000_000;
/** Others write to the log, too, and of what a batch of less writes nobody has to wait for long. */
const LEAST_BATCH_MS = 10;

export interface Batch {
  /** Keys that it covered, or might have. */
  readonly size: number;
  readonly durationMs: number;
  /** That the server wrote to its log meanwhile, for whomever; null where it does not tell. */
  readonly walBytes: number | null;
}

export function nextBatchSize({ size, durationMs, walBytes }: Batch): number {
  const byTime = TARGET_BATCH_MS / Math.max(durationMs, 1);
  const byWal = walBytes !== null && walBytes > 0 ? MOST_WAL_BYTES / walBytes : Number.POSITIVE_INFINITY;
  const factor = Math.min(byTime, Math.max(byWal, LEAST_BATCH_MS / Math.max(durationMs, 1)));
  return Math.min(
    MOST,
    Math.max(LEAST, Math.round(size * Math.min(STEEPEST, Math.max(1 / STEEPEST, factor)))),
  );
}
