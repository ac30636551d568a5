/** Measurements that mostly wait are made side by side: seconds are compared there, and no work gets in another's way. */

/** Results in the order of `items`; at most `width` at a time. */
export async function atOnce<T, R>(
  width: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
