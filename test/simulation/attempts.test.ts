import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allInvariantsHold, WORLDS } from './attempts.ts';
import { runSchedule, type Variant, type World } from './schedule.ts';
import { MUTANTS } from './variants.ts';

test('whatever crashes, stands still, is cut off or lost, all ten invariants hold', () =>
  allInvariantsHold({ numRuns: 200 }));

test('a world goes the same way each time', async () => {
  const [world] = fc.sample(WORLDS, { numRuns: 1 });
  expect(await runSchedule(world!)).toEqual(await runSchedule(world!));
});

describe('the program without one of its protections', () => {
  /** The same ones each time, so that a mutant is found or not, and not now and then. */
  const worlds = (numRuns: number, changes: Partial<World>) =>
    fc.sample(WORLDS, { numRuns, seed: 1 }).map((world) => ({ ...world, ...changes }));

  async function broken(among: readonly World[], variant: Variant): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const world of among) {
      for (const { of } of (await runSchedule(world, variant)).violations) found.add(of);
    }
    return found;
  }

  test.for(MUTANTS)('is found: $name breaks $breaks', async ({ worlds: changes, breaks, ...variant }) => {
    for (const world of worlds(100, changes)) {
      if ((await broken([world], variant)).has(breaks)) return;
    }
    expect.fail(`no schedule violates ${breaks}`);
  });

  test.for(MUTANTS.filter(({ without }) => without))(
    'breaks nothing as long as it has that one: $name',
    async ({ worlds: changes, breaks, without, set }) => {
      const rest = { ...without, ...(set && { set }) };
      expect(await broken(worlds(10, changes), rest)).not.toContain(breaks);
    },
  );
});
