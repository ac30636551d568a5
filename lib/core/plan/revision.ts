/** A revision is a decimal number of 1 to 18 digits (it fits PostgreSQL's bigint), written with or without leading zeros. */
export const REVISION_PATTERN = /^\d{1,18}$/;

/**
 * The number that identifies a revision, without leading zeros: `0042` and `42` are the same one. As text, because
 * thousands of them are looked up at every start, and text is found faster than a bigint.
 */
export function revisionKey(revision: string): string {
  let zeros = 0;
  while (zeros < revision.length - 1 && revision.charCodeAt(zeros) === ZERO) zeros += 1;
  return revision.slice(zeros);
}

const ZERO = 48;

export function compareRevisions(a: string, b: string): number {
  // Mostly written with as many digits, and then their zeros need not be taken off.
  if (a.length !== b.length) {
    const [x, y] = [revisionKey(a), revisionKey(b)];
    return x.length === y.length ? compareText(x, y) : x.length - y.length;
  }
  return compareText(a, b);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
