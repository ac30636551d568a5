import { describe, expect, test } from 'vitest';
import { awaitOrphan, type OrphanAwaited, type OrphanSeen } from '../../lib/core/lease/index.ts';

const WORKS: OrphanSeen = { builds: true, isBlocked: false };
const WAITS: OrphanSeen = { builds: true, isBlocked: true };

/** For how many looks, one each second, it is awaited. */
function looksAwaited(looks: readonly OrphanSeen[], budgetMs: number): number {
  let awaited: OrphanAwaited | undefined;
  for (const [second, seen] of looks.entries()) {
    awaited = awaitOrphan(seen, awaited, 5_000 + second * 1_000, budgetMs);
    if (!awaited) return second;
  }
  return looks.length;
}
const times = (n: number, seen: OrphanSeen) => Array<OrphanSeen>(n).fill(seen);

describe('the session of a replaced attempt', () => {
  test('that builds no index is not awaited', () => {
    expect(looksAwaited([{ builds: false, isBlocked: false }], 60_000)).toBe(0);
  });

  test('that builds one is awaited as long as it works, within the budget', () => {
    expect(looksAwaited(times(100, WORKS), 60_000)).toBe(60);
    expect(looksAwaited(times(100, WORKS), 0)).toBe(0);
  });

  test('that is blocked is given a moment, each time', () => {
    expect(looksAwaited(times(100, WAITS), 60_000)).toBe(3);
    const inBetween = [...times(3, WORKS), ...times(2, WAITS)];
    expect(looksAwaited([...inBetween, ...inBetween, ...times(100, WAITS)], 60_000)).toBe(10);
  });
});
