/** What probes tell: one takes the lock that a reader or a writer takes, and waits as they would. */
import type { Wait, Who } from './document.ts';

/** Pause between the end of a probe and the begin of the next one of its kind. */
export const PROBE_EVERY_MS = 20;

/** What a lock takes that nobody is in the way of, on a busy server. */
export const NO_WAIT_MS = 10;

/** Tables that are probed at once; each one costs the copy two sessions. */
export const MOST_PROBED = 8;

export interface Probe {
  readonly relation: string;
  readonly who: Who;
  /** By the server's clock. */
  readonly waitedMs: number;
}

/** By relation and kind, readers first, for probes that were sent while a step ran. A probe is over before the next one of its kind. */
export function waitsIn(probes: readonly Probe[]): Wait[] {
  const waits = new Map<string, Wait>();
  for (const { relation, who, waitedMs } of probes) {
    if (waitedMs < NO_WAIT_MS) continue;
    const key = `${relation} ${who}`;
    const known = waits.get(key) ?? { relation, who, longestMs: 0, totalMs: 0 };
    waits.set(key, {
      ...known,
      longestMs: Math.max(known.longestMs, waitedMs),
      totalMs: known.totalMs + waitedMs,
    });
  }
  return [...waits.keys()].toSorted().flatMap((key) => waits.get(key) ?? []);
}
