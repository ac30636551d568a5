/** All that is simulated. Each throws when something did not hold, with fast-check's seed and path of the failure. */
import { neverTwoHold, tokensGrow } from '../core/lease-simulation.ts';
import { allInvariantsHold, type Effort } from './attempts.ts';

export const SIMULATIONS = {
  'the attempts and the engine: I1 to I10': (effort: Effort) => allInvariantsHold(effort),
  'the lease: tokens grow, and a stale attempt changes nothing': tokensGrow,
  'the lease: never two hold it': neverTwoHold,
} satisfies Readonly<Record<string, (effort: Effort) => Promise<void>>>;
export type SimulationName = keyof typeof SIMULATIONS;
