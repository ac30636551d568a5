import { randomInt } from 'node:crypto';
import { describe, it } from 'vitest';
import { type Hits, killAtRandom, seeded } from './random-kills.ts';

/** A few in every run of the tests; CONTRIBUTING.md says how to have many. */
const KILLS = Number(process.env.LOCKSTEP_KILLS ?? 12);
const SEED = Number(process.env.LOCKSTEP_SEED ?? randomInt(2 ** 31));
/** That many run at a time, each on databases of its own. */
const LANES = 3;
const LIMIT_OF_ONE_MS = 30_000;

describe(`${KILLS} processes killed at random times (LOCKSTEP_SEED=${SEED})`, () => {
  const kills = Math.ceil(KILLS / LANES);
  for (let lane = 1; lane <= LANES; lane += 1) {
    it.concurrent(
      `each time the next one goes on, and in the end all is done once: ${lane} of ${LANES}`,
      async (context) => {
        const hits: Hits = new Map();
        const found = await killAtRandom({ context, edits: [], random: seeded(SEED + lane), kills, hits });
        process.stdout.write(`killed ${[...hits].map(([what, n]) => `${what}: ${n}`).join(', ')}\n`);
        context.expect(found, `LOCKSTEP_SEED=${SEED}`).toEqual([]);
      },
      60_000 + kills * LIMIT_OF_ONE_MS,
    );
  }
});
