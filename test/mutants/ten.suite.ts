/** `npm run test:mutants`: each of the ten has to be found in every layer that can show it; prints where it was. */
import { afterAll, describe, expect, it } from 'vitest';
import { checkerVersion } from '../model/spin.ts';
import { inMatrix, inModel, inSchedules, inSimulation } from './layers.ts';
import { TEN } from './ten.ts';

const TIME_LIMIT_MS = 240_000;
const checker = await checkerVersion().catch(() => undefined);

const LAYERS = ['matrix', 'simulation', 'model'] as const;
/** What was found of which mutant, by layer. */
const found = new Map<string, string[]>();

function isFound(name: string, layer: (typeof LAYERS)[number], what: readonly string[]): void {
  const key = `${name}/${layer}`;
  found.set(key, [...(found.get(key) ?? []), ...(what.length > 0 ? what : ['NOT FOUND'])]);
  expect(what).not.toEqual([]);
}

it('the simulation finds nothing in the program as it is', async () => {
  expect(await inSimulation([])).toEqual([]);
});

for (const { name, matrix, lease, attempts, model } of TEN) {
  describe(name, () => {
    for (const mutant of matrix) {
      it.concurrent(
        `is found in the matrix: ${mutant.name}`,
        async (context) => isFound(name, 'matrix', await inMatrix(mutant, context)),
        TIME_LIMIT_MS,
      );
    }
    if (lease) {
      it(
        'is found in the simulation of the lease',
        async () => isFound(name, 'simulation', await inSimulation(lease)),
        TIME_LIMIT_MS,
      );
    }
    if (attempts) {
      it(
        'is found in the simulation of the attempts',
        async () => isFound(name, 'simulation', await inSchedules(attempts)),
        TIME_LIMIT_MS,
      );
    }
    for (const mutant of checker ? model : []) {
      it(
        `is found in the model: ${mutant.name}`,
        async () => isFound(name, 'model', await inModel(mutant)),
        TIME_LIMIT_MS,
      );
    }
  });
}

afterAll(() => {
  const cell = (name: string, layer: (typeof LAYERS)[number]) =>
    [...new Set(found.get(`${name}/${layer}`))].join(', ') || (layer === 'model' ? 'not searched' : '–');
  const rows = TEN.map(({ name }) => `| ${name} | ${LAYERS.map((layer) => cell(name, layer)).join(' | ')} |`);
  const head = [`| mutant | ${LAYERS.join(' | ')} |`, '| --- | --- | --- | --- |'];
  const about = checker ? '' : '\nThe models were NOT searched: there is no Spin, or no C compiler.';
  process.stdout.write(`\n${[...head, ...rows].join('\n')}\n${about}\n`);
});
