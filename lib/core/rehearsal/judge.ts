import type { Measurement } from '../plan/measurement.ts';
import { MEASUREMENTS_LIMIT, WORTH_MEASURING_MS } from '../plan/placement.ts';
import type { Budget, Excess, RehearsedStep } from './document.ts';

/** What is above its limit, in the order of the steps; empty within budget. */
export function excessesOf(
  steps: readonly RehearsedStep[],
  durationMs: number,
  { maxDurationMs, maxBlockedMs }: Budget,
): Excess[] {
  const tooLong: Excess[] =
    maxDurationMs !== null && durationMs > maxDurationMs
      ? [{ kind: 'duration', durationMs, limitMs: maxDurationMs }]
      : [];
  return maxBlockedMs === null
    ? tooLong
    : [...tooLong, ...steps.flatMap((step) => blockedBeyond(step, maxBlockedMs))];
}

function blockedBeyond({ migration, step, waits, notProbed }: RehearsedStep, limitMs: number): Excess[] {
  return [
    ...waits
      .filter(({ longestMs }) => longestMs > limitMs)
      .map(({ relation, who, longestMs }): Excess => {
        return { kind: 'blocked', migration, step, relation, who, longestMs, limitMs };
      }),
    ...notProbed.map((relation): Excess => ({ kind: 'not-probed', migration, step, relation })),
  ];
}

/**
 * Each migration by its longest step, the slowest first; those that are worth it. A back-fill counts for nothing, because
 * it stops after any batch.
 */
export function slowestOf(steps: readonly RehearsedStep[]): Measurement[] {
  const longest = new Map<string, number>();
  for (const { migration, kind, durationMs } of steps) {
    if (kind === 'batches') continue;
    longest.set(migration, Math.max(longest.get(migration) ?? 0, Math.round(durationMs)));
  }
  return [...longest]
    .map(([migration, durationMs]) => ({ migration, durationMs }))
    .filter(({ durationMs }) => durationMs >= WORTH_MEASURING_MS)
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .slice(0, MEASUREMENTS_LIMIT);
}
