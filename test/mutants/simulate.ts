/** The simulation of the lease in a process of its own, so that sources can be changed: prints what it found, as JSON. */
import { neverTwoHold, tokensGrow } from '../core/lease-simulation.ts';

const EFFORT = { numRuns: 200, endOnFailure: true };

const found: string[] = [];
for (const property of [tokensGrow, neverTwoHold]) {
  await property(EFFORT).catch((error: Error) => {
    // A property fails because of what one of its runs threw.
    const { message } = error.cause instanceof Error ? error.cause : error;
    found.push(message.split('\n')[0]!);
  });
}
process.stdout.write(JSON.stringify(found));
