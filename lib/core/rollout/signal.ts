import type { Verdict } from './verdict.ts';

/** EventBridge names; docs/events.md has the detail's shape, which is a Verdict. */
export const EVENT_SOURCE = 'lockstep';
export const EventType = { rollOut: 'Lockstep Roll Out', rollBack: 'Lockstep Roll Back' } as const;

/**
 * Port: tells a deployer the verdict. Idempotent: the same verdict may be sent again. Throws LS702.
 * Adapters: EventBridgeSignal, MemorySignal.
 */
export interface RollOutSignal {
  send(verdict: Verdict): Promise<void>;
}
