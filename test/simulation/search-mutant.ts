/** The same worlds each time, so that a mutant is found or not, and not now and then. */
import fc from 'fast-check';
import { WORLDS } from './attempts.ts';
import type { Mutant } from './mutants.ts';
import { runSchedule, type Variant, type World } from './schedule.ts';

const ENOUGH = 100;
const FEW = 6;

const worldsOf = ({ worlds }: Mutant, numRuns: number): World[] =>
  fc.sample(WORLDS, { numRuns, seed: 1 }).map((world) => ({ ...world, ...worlds }));

/** Whether a schedule violates what the mutant has to break. */
export async function isFound(mutant: Mutant): Promise<boolean> {
  for (const world of worldsOf(mutant, ENOUGH)) {
    const { violations } = await runSchedule(world, mutant);
    if (violations.some(({ of }) => of === mutant.breaks)) return true;
  }
  return false;
}

/** What is violated where the mutant shows, by something else than the mutant. */
export async function brokenBy(variant: Variant, mutant: Mutant): Promise<readonly string[]> {
  const found: string[] = [];
  for (const world of worldsOf(mutant, FEW)) {
    const { violations } = await runSchedule(world, { ...variant, ...(mutant.set && { set: mutant.set }) });
    found.push(...violations.map(({ of }) => of));
  }
  return found;
}
