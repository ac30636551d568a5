/** Schedules of the attempts and of the engine's decisions, chosen at random: none of the ten invariants is violated. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Invariant, type Violation } from './invariants.ts';
import { MEETINGS, type Meeting, runSchedule, type Variant, type World } from './schedule.ts';

export interface Effort {
  readonly numRuns: number;
  /** Of fast-check: what is chosen; and, to see a failure again, where in it. */
  readonly seed?: number;
  readonly path?: string;
  /** Without looking for the smallest world that fails. */
  readonly endOnFailure?: boolean;
}

export const WORLDS: fc.Arbitrary<World> = fc.record({
  seed: fc.nat(),
  workers: fc.integer({ min: 3, max: 5 }),
  lease: fc.constantFrom('register', 'postgres'),
  sqlMs: fc.constantFrom(1, 1_000, 40_000),
  attemptsPerHolder: fc.constantFrom(1, 1, 2),
  poison: fc.constantFrom('nowhere', 'nowhere', 'nowhere', 'statement', 'COMMIT'),
  crash: fc.constantFrom(0, 0.002, 0.01),
  standstill: fc.constantFrom(0, 0.002, 0.01),
  standstillMs: fc.constantFrom(20_000, 200_000),
  cut: fc.constantFrom(0, 0.005, 0.03),
  lost: fc.constantFrom(0, 0.05, 0.2),
  delayMs: fc.constantFrom(1, 50, 2_000),
});

export const inWords = (found: readonly Violation[]): string =>
  found.map(({ of, seen }) => `${of} (${Invariant[of]}): ${JSON.stringify(seen)}`).join('\n');

/** Throws with seed and path, by which the same failure comes again, and with the smallest world that was found to fail. */
export async function allInvariantsHold(effort: Effort, variant: Variant = {}): Promise<void> {
  const met = new Set<Meeting>();
  await fc.assert(
    fc.asyncProperty(WORLDS, async (world) => {
      const went = await runSchedule(world, variant);
      for (const meeting of went.met) met.add(meeting);
      assert(went.violations.length === 0, inWords(went.violations));
    }),
    effort,
  );
  // Otherwise the property was not put to the test.
  if (effort.numRuns >= ENOUGH)
    assert.deepEqual(
      MEETINGS.filter((meeting) => !met.has(meeting)),
      [],
    );
}

/** In so many schedules everything is met. */
const ENOUGH = 150;
