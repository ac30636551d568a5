/** A mutant put to one layer: what was found there, in words; nothing if it is as good as the program. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import type { Edit } from '../faults/edit.ts';
import { INSTRUCTIONS, type Instructions } from '../faults/fault.ts';
import type { Mutant } from '../faults/mutants/index.ts';
import { searchMutant } from '../model/mutants.ts';
import type { ModelMutant } from '../model/searches.ts';
import type { Mutant as SimulatedMutant } from '../simulation/mutants.ts';
import { isFound } from '../simulation/search-mutant.ts';

const run = promisify(execFile);

export async function inMatrix({ edits, without = [], scenario, breaks }: Mutant, context: TestContext) {
  const found = await scenario.run(context, [...edits, ...without]);
  return found.some((violation) => violation.of === breaks) ? [breaks] : [];
}

const PRELOAD = new URL('../faults/preload.ts', import.meta.url).href;
const SIMULATE = fileURLToPath(new URL('simulate.ts', import.meta.url));

export async function inSimulation(edits: readonly Edit[]): Promise<readonly string[]> {
  const instructions: Instructions = { edits, fault: undefined };
  const env = { PATH: process.env.PATH, [INSTRUCTIONS]: JSON.stringify(instructions) };
  const { stdout } = await run(process.execPath, ['--import', PRELOAD, SIMULATE], { env });
  return JSON.parse(stdout) as string[];
}

export async function inSchedules(mutant: SimulatedMutant): Promise<readonly string[]> {
  return (await isFound(mutant)) ? [mutant.breaks] : [];
}

export async function inModel(mutant: ModelMutant): Promise<readonly string[]> {
  const { isFound, property } = await searchMutant(mutant);
  return isFound ? [property] : [];
}
