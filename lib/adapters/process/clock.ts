import type { Clock } from '../../core/clock.ts';

/** This process's own clock: monotonic, never compared with another host's. */
export const systemClock: Clock = {
  // `performance.now()` is the same, and the first one who asks it loads a module.
  nowMs: () => Number(process.hrtime.bigint()) / 1e6,
  sleep: async (ms, signal) => {
    const { setTimeout: delay } = await import('node:timers/promises');
    await delay(ms, undefined, signal ? { signal } : {});
  },
  random: () => Math.random(),
};
