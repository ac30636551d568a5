/**
 * The models of the protocol, searched by Spin: `npm run test:model`.
 *
 *   npm run test:model                  as they are, and every mutant
 *   npm run test:model -- --mutants     only the mutants: seconds
 *   npm run test:model -- --write       the results into docs/model/README.md, too
 *
 * Exits with 0 when each model was searched to its end without a violation and each mutant violates what it should;
 * with 1 when not; with 2 when nothing was checked, because Spin or a C compiler is not there.
 */
import { parseArgs } from 'node:util';
import { writePart } from '../support/document-part.ts';
import { type Found, mutantTable, searchMutants } from './mutants.ts';
import { WHOLE, type Whole } from './searches.ts';
import { checkerVersion, type Outcome, search } from './spin.ts';

const { values } = parseArgs({
  options: { mutants: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});

interface Searched {
  readonly whole: Whole;
  readonly outcome: Outcome;
}

async function searchWhole(): Promise<Searched[]> {
  const searched: Searched[] = [];
  for (const whole of WHOLE) {
    console.error(`searching: ${whole.name}`);
    searched.push({ whole, outcome: await search(whole) });
  }
  return searched;
}

const count = (value: number): string => value.toLocaleString('en');

function rowOf({ whole: { name, bounds }, outcome }: Searched): string {
  const cells = (found: string, sizes = '| |') => `| ${name} | ${bounds} | ${sizes} | ${found} |`;
  switch (outcome.kind) {
    case 'incomplete':
      return cells(`NOT SEARCHED: ${outcome.why}`);
    case 'violated':
      return cells(`VIOLATED: ${outcome.property}`);
    case 'exhausted': {
      const { states, depth, ms } = outcome;
      return cells('none', `${count(states)} | ${count(depth)} | ${(ms / 1000).toFixed(0)} s`);
    }
    default:
      return outcome satisfies never;
  }
}

const wholeTable = (searched: readonly Searched[]): string =>
  [
    '| model | bounds | states | depth | took | violations |',
    '| --- | --- | --- | --- | --- | --- |',
    ...searched.map(rowOf),
  ].join('\n');

const version = await checkerVersion().catch((error: Error) => {
  console.error(
    `The model was NOT checked: ${error.message}. It needs Spin (Debian and Ubuntu: apt install spin) and a C compiler; ` +
      'SPIN and CC name them if they are not on the path.',
  );
  process.exit(2);
});

const searched = values.mutants ? [] : await searchWhole();
const found: Found[] = await searchMutants();
const day = new Date().toISOString().slice(0, 10);
const about = `${day}, \`npm run test:model\`, ${version}.`;
if (searched.length > 0) console.log(`\n${wholeTable(searched)}`);
console.log(`\n${mutantTable(found)}\n\n${about}`);
const isGood =
  searched.every(({ outcome }) => outcome.kind === 'exhausted') && found.every(({ isFound }) => isFound);
if (values.write && isGood && searched.length > 0) {
  writePart('docs/model/README.md', 'model searches', `${about}\n\n${wholeTable(searched)}`);
  writePart('docs/model/README.md', 'model mutants', mutantTable(found));
}
process.exitCode = isGood ? 0 : 1;
