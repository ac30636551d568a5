/** A revision is a decimal number of 1 to 18 digits (it fits PostgreSQL's bigint), written with or without leading zeros. */
export const REVISION_PATTERN = /^\d{1,18}$/;

/**
 * The number that identifies a revision, without leading zeros: `0042` and `42` are the same one. As text, because
 * thousands of them are looked up at every start, and text is found faster than a bigint.
 */
export function revisionKey(revision: string): string {
  let zeros = 0;
  while (zeros < revision.length - 1 && revision[zeros] === '0') zeros += 1;
  return revision.slice(zeros);
}

export function compareRevisions(a: string, b: string): number {
  const [x, y] = [revisionKey(a), revisionKey(b)];
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}
