import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allInvariantsHold, WORLDS } from './attempts.ts';
import { MUTANTS } from './mutants.ts';
import { runSchedule } from './schedule.ts';
import { brokenBy, isFound } from './search-mutant.ts';

test('whatever crashes, stands still, is cut off or lost, all ten invariants hold', () =>
  allInvariantsHold({ numRuns: 150 }));

test('a world goes the same way each time', async () => {
  const [world] = fc.sample(WORLDS, { numRuns: 1 });
  expect(await runSchedule(world!)).toEqual(await runSchedule(world!));
});

describe('the program without one of its protections', () => {
  test.for(MUTANTS)('is found: $name breaks $breaks', async (mutant) => {
    expect(await isFound(mutant)).toBe(true);
  });

  test.for(MUTANTS.filter(({ without }) => without))(
    'breaks nothing as long as it has that one: $name',
    async (mutant) => {
      expect(await brokenBy(mutant.without!, mutant)).not.toContain(mutant.breaks);
    },
  );
});
