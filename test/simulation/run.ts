/**
 * Many schedules of each simulation, on two cores: `npm run test:faults -- --schedules 100000`. Prints a line for each:
 * schedules, violations, seconds, seed. With the same seed the same schedules are searched again.
 */
import { Worker } from 'node:worker_threads';
import type { Failures, Part } from './part.ts';
import { SIMULATIONS, type SimulationName } from './simulations.ts';

const THREADS = 2;
const PORTION = 500;

export interface Searches {
  readonly schedules: number;
  readonly seed: number;
}

/** Whether nothing was violated. */
export async function searchAll({ schedules, seed }: Searches): Promise<boolean> {
  let isGood = true;
  for (const simulation of Object.keys(SIMULATIONS) as SimulationName[]) {
    const startedMs = performance.now();
    const failures = await search(simulation, schedules, seed);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    const violations = `${failures.length} violation${failures.length === 1 ? '' : 's'}`;
    process.stdout.write(
      `${simulation}: ${schedules} schedules, ${violations}, ${seconds} s, seed ${seed}\n`,
    );
    for (const failure of failures) process.stdout.write(`\n${failure}\n`);
    isGood &&= failures.length === 0;
  }
  return isGood;
}

async function search(simulation: SimulationName, schedules: number, seed: number): Promise<Failures> {
  const portions = Array.from({ length: Math.ceil(schedules / PORTION) }, (_, i) => ({
    seed: seed + i,
    schedules: Math.min(PORTION, schedules - i * PORTION),
  }));
  const parts = Array.from({ length: THREADS }, (_, thread) =>
    portions.filter((_, i) => i % THREADS === thread),
  );
  const found = await Promise.all(
    parts.filter((part) => part.length > 0).map((part) => inThread({ simulation, portions: part })),
  );
  return found.flat();
}

function inThread(workerData: Part): Promise<Failures> {
  const thread = new Worker(new URL('part.ts', import.meta.url), { workerData });
  return new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
}
