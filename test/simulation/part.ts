/** A thread of run.ts: searches one simulation, portion by portion, and tells what failed. */
import { parentPort, workerData } from 'node:worker_threads';
import { SIMULATIONS, type SimulationName } from './simulations.ts';

export interface Part {
  readonly simulation: SimulationName;
  /** Each portion is a search of its own, with its own seed, so that a failure can be seen again soon. */
  readonly portions: readonly { readonly seed: number; readonly schedules: number }[];
}

/** One per portion that failed. */
export type Failures = readonly string[];

// Errors are a part of the game here, and a third of its time would go into their stacks.
Error.stackTraceLimit = 0;

const { simulation, portions } = workerData as Part;
const failures: string[] = [];
for (const { seed, schedules: numRuns } of portions) {
  await SIMULATIONS[simulation]({ seed, numRuns, endOnFailure: true }).catch((error: Error) => {
    const cause = error.cause instanceof Error ? `\n${error.cause.message}` : '';
    failures.push(`${error.message}${cause}`);
  });
}
parentPort?.postMessage(failures satisfies Failures);
