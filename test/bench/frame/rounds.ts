/** Rounds: every contender once, then every contender again, so that what disturbs the machine disturbs all. */

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The medians, one for each contender. `warmUp` adds a first round that does not count, to fill caches. */
export async function interleaved<T>(
  contenders: readonly T[],
  { rounds, warmUp = false }: { readonly rounds: number; readonly warmUp?: boolean },
  measure: (contender: T) => Promise<number>,
): Promise<number[]> {
  const values = contenders.map((): number[] => []);
  for (let round = warmUp ? 0 : 1; round <= rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const value = await measure(contender);
      if (round > 0) values[index]!.push(value);
    }
  }
  return values.map(median);
}
