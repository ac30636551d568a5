import type { Clock } from '../../core/clock.ts';

/** This process's own clock: monotonic, never compared with another host's. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleep: async (ms, signal) => {
    const { setTimeout: delay } = await import('node:timers/promises');
    await delay(ms, undefined, signal ? { signal } : {});
  },
  random: () => Math.random(),
};
