import { readFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { CASES } from './cases.ts';
import { applyEdits, type Edit } from './edit.ts';
import { Invariant, type Violation } from './invariants.ts';
import { MUTANTS, type Mutant } from './mutants/index.ts';

const ALL = Object.values(MUTANTS).flat();
const TIME_LIMIT_MS = 60_000;

const sourceOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** What the scenario finds in the mutant. Throws when an edit does not fit the source any more. */
function find({ scenario }: Mutant, edits: readonly Edit[], context: TestContext): Promise<Violation[]> {
  for (const [file, own] of Map.groupBy(edits, (edit) => edit.file)) applyEdits(sourceOf(file), own);
  return scenario.run(context, edits);
}

it('each scenario that a mutant is put to is one that the program passes as it is', () => {
  const passed = new Set(Object.values(CASES).flatMap((group) => group.map(({ name }) => name)));
  expect(ALL.map(({ scenario }) => scenario.name).filter((name) => !passed.has(name))).toEqual([]);
});

/** The protection is missing, and with it those that would hide that. */
function isFound(mutant: Mutant): void {
  const { name, edits, without = [], breaks } = mutant;
  it.concurrent(
    `${name}; then it does not hold that ${Invariant[breaks]}`,
    async (context) => {
      const found = await find(mutant, [...edits, ...without], context);
      context.expect(found.map(({ of }) => of)).toContain(breaks);
    },
    TIME_LIMIT_MS,
  );
}

/** Only the others are missing. */
function holdsAlone(mutant: Mutant): void {
  const { name, without = [], breaks } = mutant;
  it.concurrent(
    `it holds that ${Invariant[breaks]}, unless ${name}`,
    async (context) => {
      const found = await find(mutant, without, context);
      context.expect(found.filter(({ of }) => of === breaks)).toEqual([]);
    },
    TIME_LIMIT_MS,
  );
}

for (const [group, mutants] of Object.entries(MUTANTS)) {
  describe(`without a protection: ${group}`, () => {
    for (const mutant of mutants) isFound(mutant);
  });
  const hidden = mutants.filter(({ without }) => without);
  if (hidden.length === 0) continue;
  describe(`with it, and without those that stand before it: ${group}`, () => {
    for (const mutant of hidden) holdsAlone(mutant);
  });
}
