/** A revision is a decimal number of 1 to 18 digits (it fits PostgreSQL's bigint), written with or without leading zeros. */
export const REVISION_PATTERN = /^\d{1,18}$/;

/** The number that identifies a revision: `0042` and `42` are the same one. */
export const revisionKey = (revision: string): bigint => BigInt(revision);

export function compareRevisions(a: string, b: string): number {
  const [x, y] = [revisionKey(a), revisionKey(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
