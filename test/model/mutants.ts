/** Each mutant has to violate what its protection is for; and what stands before that protection must not be needed for it. */
import { MODEL_MUTANTS, type ModelMutant } from './searches.ts';
import { type Outcome, type Search, search } from './spin.ts';

export interface Found {
  readonly mutant: ModelMutant;
  readonly isFound: boolean;
  /** For people: what is violated and where, or why it does not count. */
  readonly what: string;
  /** What is violated; empty if nothing is. */
  readonly property: string;
}

export async function searchMutants(names?: readonly string[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const mutant of MODEL_MUTANTS.filter(({ name }) => names?.includes(name) ?? true)) {
    found.push(await searchMutant(mutant));
  }
  return found;
}

export async function searchMutant(mutant: ModelMutant): Promise<Found> {
  const { without, violates } = mutant;
  const all: Search = { ...mutant, defines: { ...mutant.defines, ...without }, only: violates };
  const outcome = await search(all);
  if (outcome.kind !== 'violated') {
    return { mutant, isFound: false, what: `NOT FOUND (${outcome.kind})`, property: '' };
  }
  const { property, atDepth } = outcome;
  const found = { mutant, isFound: true, what: `${property}, after ${atDepth} steps`, property };
  if (!without) return found;
  const alone = await search({ ...all, defines: { ...baseOf(mutant), ...without } });
  if (isHeld(alone)) return found;
  return { ...found, isFound: false, what: `NOT ITS OWN: ${violates} is violated with the protection, too` };
}

const isHeld = ({ kind }: Outcome): boolean => kind === 'exhausted';

/** With the protection, and the same bounds. */
const baseOf = ({ defines }: ModelMutant): Search['defines'] =>
  Object.fromEntries(
    Object.entries(defines).filter(([name, value]) => value !== true || VARIANTS.includes(name)),
  );

/** Variants of the protocol; anything else that is only defined takes something out. */
const VARIANTS: readonly string[] = ['SHARED', 'LEASE_IN_POSTGRES'];

export const mutantTable = (found: readonly Found[]): string =>
  [
    '| mutant | violates |',
    '| --- | --- |',
    ...found.map(({ mutant: { name, without }, what }) => {
      const hidden = without
        ? ` (with ${Object.keys(without)
            .map((define) => `\`${define}\``)
            .join(' and ')}, under which the property holds otherwise)`
        : '';
      return `| ${name}${hidden} | ${what} |`;
    }),
  ].join('\n');
