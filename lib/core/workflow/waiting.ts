/**
 * Growing waits: short at first, when the other one is probably about to finish; long later, to keep the
 * execution's history far below its 25,000 events. Whole seconds, as Wait states need them.
 */
export const LEASE_WAIT = { firstSeconds: 1, factor: 1.5, maxSeconds: 15 } as const;
export const RESTORE_POINT_WAIT = { firstSeconds: 2, factor: 1.5, maxSeconds: 30 } as const;

export interface WaitPolicy {
  readonly firstSeconds: number;
  readonly factor: number;
  readonly maxSeconds: number;
}

/** The next wait after one of `previousSeconds` (0: none yet). */
export function nextWaitSeconds(policy: WaitPolicy, previousSeconds: number): number {
  if (previousSeconds <= 0) return policy.firstSeconds;
  return Math.min(policy.maxSeconds, Math.ceil(previousSeconds * policy.factor));
}
