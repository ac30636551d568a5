/** How far a back-fill is. Estimates only: the planner's row count is old, and rows come and go meanwhile. */

export interface Walked {
  /** Keys that the batches so far covered. */
  readonly keys: number;
  /** What the planner thinks the table has; below 0 when it was never analysed. */
  readonly tableKeys: number;
  /** For as long as this attempt has been at it, and how many keys it covered. */
  readonly attemptMs: number;
  readonly attemptKeys: number;
}

export interface Estimate {
  /** 0 to 1; null when the size of the table is not known. */
  readonly share: number | null;
  readonly leftMs: number | null;
}

export function estimate({ keys, tableKeys, attemptMs, attemptKeys }: Walked): Estimate {
  if (tableKeys <= 0) return { share: null, leftMs: null };
  const left = Math.max(0, tableKeys - keys);
  const leftMs = attemptKeys > 0 ? Math.round((left * attemptMs) / attemptKeys) : null;
  return { share: Math.min(1, keys / tableKeys), leftMs };
}
