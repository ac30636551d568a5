import { InvalidArgumentError } from 'commander';
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from '../../local/scenarios/catalogue.ts';

const ALL = 'all';

export function scenarios(text: string): readonly ScenarioName[] {
  if (text === ALL) return SCENARIO_NAMES;
  const name = SCENARIO_NAMES.find((known) => known === text);
  if (!name) throw new InvalidArgumentError(`There are: ${[...SCENARIO_NAMES, ALL].join(', ')}.`);
  return [name];
}

const WIDTH = Math.max(...SCENARIO_NAMES.map((name) => name.length));

export const SCENARIO_LIST = [
  '\nScenarios:',
  ...Object.entries(SCENARIOS).map(([name, what]) => `  ${name.padEnd(WIDTH)}  ${what}`),
  `  ${ALL.padEnd(WIDTH)}  each of them, one after the other`,
].join('\n');
