/** What the tasks answer that follow a roll-out. How long the waits are is decided by the code that decides it there. */
import {
  type Deployment,
  followRollOut,
  NEW_ROLL_OUT,
  type RollOutLimits,
  type RollOutProgress,
  sendingBack,
} from '../core/rollout/index.ts';
import { RollOutStateName, StateName } from '../core/workflow/index.ts';
import type { Data } from './choose.ts';
import { ASSUMED_SECONDS, acquire, type Surroundings } from './script.ts';
import type { Answer, Script } from './walk.ts';

export interface RollOutOutcomes {
  /** How long the deployment takes, or would take. */
  readonly deploymentSeconds: number;
  /** Whether an alarm rings at the last look before the version would have been well for long enough. */
  readonly endsUnhealthy: boolean;
  /** How long the deployer takes to bring the old version back, if it is asked to in time. */
  readonly goingBackSeconds: number;
  /** For how long another run goes on holding the lease meanwhile. */
  readonly leaseHeldSeconds: number;
}

/** What the workflow starts it with, as far as its machine looks at it. */
export const ROLL_OUT_INPUT: Data = {
  followed: {},
  request: {},
  bundle: null,
  rollOut: NEW_ROLL_OUT,
  lease: { acquired: false, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds: 0 },
  stopError: null,
};

export function rollOutScript(
  outcomes: RollOutOutcomes,
  surroundings: Surroundings & { readonly limits: RollOutLimits },
): Script {
  const { lease, limits } = surroundings;
  const { plan, otherCall, putEvents } = ASSUMED_SECONDS;
  const rollOutOf = (data: Data) => data.rollOut as RollOutProgress;
  const answers: Readonly<Partial<Record<string, (data: Data) => Answer | Promise<Answer>>>> = {
    [RollOutStateName.LookAtAlarms]: () => ({ seconds: putEvents, result: {} }),
    [RollOutStateName.AwaitRollOut]: (data) => ({
      seconds: otherCall,
      result: look(rollOutOf(data), outcomes, limits),
    }),
    [RollOutStateName.StopRollOut]: (data) => ({
      seconds: otherCall,
      result: sendingBack(rollOutOf(data), limits),
    }),
    [RollOutStateName.PlanContract]: () => ({ seconds: plan, result: { outcome: 'nothing-pending' } }),
    [StateName.AcquireLease]: (data) => acquire(data, outcomes.leaseHeldSeconds, surroundings),
    [StateName.RollBack]: () => ({ seconds: plan, result: {} }),
    [StateName.ReleaseLease]: async () => {
      await lease.release();
      return { seconds: otherCall, result: {} };
    },
    [StateName.SignalRollBack]: () => ({ seconds: putEvents, result: {} }),
  };
  return ({ state, data }) => {
    const answer = answers[state];
    if (!answer) throw new Error(`What ${state} answers is not in the script`);
    return answer(data);
  };
}

function look(previous: RollOutProgress, outcomes: RollOutOutcomes, limits: RollOutLimits): RollOutProgress {
  const elapsed = previous.waitedSeconds + previous.waitSeconds;
  const rings = outcomes.endsUnhealthy && previous.status === 'baking' && elapsed >= limits.bakeSeconds;
  const deployment: Deployment = { id: 'd-1', state: stateAt(previous, elapsed, outcomes), reason: null };
  return followRollOut(previous, { deployment, ringing: rings ? ['errors'] : [] }, limits);
}

function stateAt(
  { status, runs }: RollOutProgress,
  elapsed: number,
  { deploymentSeconds, goingBackSeconds }: RollOutOutcomes,
): Deployment['state'] {
  if (status === 'baking' || runs === 'new') return 'complete';
  if (status === 'going-back') return elapsed < goingBackSeconds ? 'going-back' : 'old-version';
  return elapsed < deploymentSeconds ? 'under-way' : 'complete';
}
