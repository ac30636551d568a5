/**
 * Follows one roll-out until it is healthy, or sent back: a step for each look at the deployment and the alarms.
 *
 * Elapsed time is the sum of the Wait states' seconds that the progress carries, never a difference of two clocks; so
 * every limit is reached a little late, and none early. The bake time begins with the first look that finds the
 * deployment complete. An alarm that rang before the deployment began is not held against it until it has been quiet.
 */
import * as z from 'zod';
import { nextWaitSeconds } from '../workflow/waiting.ts';
import type { Deployment } from './deployments.ts';

export const ROLL_OUT_STATUSES = [
  'awaited',
  'under-way',
  'baking',
  'unhealthy',
  'going-back',
  'healthy',
  'sent-back',
  'left-alone',
] as const;

export const rollOutProgressSchema = z.object({
  /** The last three are ends; `unhealthy` is one where nothing is done about it. */
  status: z.enum(ROLL_OUT_STATUSES),
  /** ARN of the service deployment, or id of CodeDeploy's. */
  deployment: z.string().nullable(),
  /** When the newest deployment was made that there was at the first look; absent before it. */
  after: z.string().nullable().optional(),
  /** Alarms that rang before the deployment was seen, and have not been quiet since. */
  ringing: z.array(z.string()),
  /** Which version runs. */
  runs: z.enum(['old', 'new', 'unknown']),
  /** Why it is unhealthy, or was left alone: words without a full stop. */
  reason: z.string().nullable(),
  waitSeconds: z.number().int().nonnegative(),
  /** Since the run asked for it, since the bake time began, or since it was sent back. */
  waitedSeconds: z.number().int().nonnegative(),
});
export type RollOutProgress = z.infer<typeof rollOutProgressSchema>;

export const NEW_ROLL_OUT: RollOutProgress = {
  status: 'awaited',
  deployment: null,
  ringing: [],
  runs: 'unknown',
  reason: null,
  waitSeconds: 0,
  waitedSeconds: 0,
};

export const rollOutLimitsSchema = z.object({
  /** Until the deployment has begun and is complete. */
  timeoutSeconds: z.number().int().positive(),
  bakeSeconds: z.number().int().nonnegative(),
  /** Longest time between two looks. */
  lookSeconds: z.number().int().positive(),
});
export type RollOutLimits = z.infer<typeof rollOutLimitsSchema>;

export interface RollOutLook {
  readonly deployment: Deployment | undefined;
  /** Names of the alarms that ring now. */
  readonly ringing: readonly string[];
}

const SHORTEST_WAIT = { firstSeconds: 2, factor: 1.5 } as const;
const SHORTEST_LOOK_SECONDS = 60;
/** Rounds that the longest roll-out may have, at 14 events of the 25,000 that an execution's history may have. */
const MOST_ROUNDS = 960;

export const lookSeconds = ({ timeoutSeconds, bakeSeconds }: Omit<RollOutLimits, 'lookSeconds'>): number =>
  Math.max(SHORTEST_LOOK_SECONDS, Math.ceil((timeoutSeconds + bakeSeconds) / MOST_ROUNDS));

/** For how long the deployer may take to bring the old version back. */
export const SENDING_BACK_SECONDS = 3600;
/** A deployment that was stopped gets its roll-back by the deployer a moment later. */
const UNSETTLED_SECONDS = 300;

/** @returns what is carried to the next look, or an end */
export function followRollOut(
  previous: RollOutProgress,
  look: RollOutLook,
  limits: RollOutLimits,
): RollOutProgress {
  const waitedSeconds = previous.waitedSeconds + previous.waitSeconds;
  const at: RollOutProgress = { ...previous, waitedSeconds };
  if (previous.status === 'going-back') return goingBack(at, look, limits);
  const { deployment } = look;
  if (!deployment) return notBegun({ ...at, ringing: [...look.ringing] }, limits);
  const isFirstLook = previous.status === 'awaited' && previous.waitSeconds === 0;
  const ringing = isFirstLook ? look.ringing : previous.ringing.filter((a) => look.ringing.includes(a));
  const rings = look.ringing.find((alarm) => !ringing.includes(alarm));
  const seen: RollOutProgress = { ...at, deployment: deployment.id, ringing: [...ringing] };
  switch (deployment.state) {
    case 'under-way':
      return underWay(seen, rings, limits);
    case 'complete':
      return complete(seen, rings, limits);
    case 'going-back':
    case 'old-version':
    case 'unsettled':
      return unhealthy(seen, deployment.reason ?? 'the deployment did not succeed');
    default:
      return deployment.state satisfies never;
  }
}

/** Looks again, at the latest when `untilSeconds` are over. */
const again = (
  at: RollOutProgress,
  untilSeconds: number,
  { lookSeconds }: RollOutLimits,
): RollOutProgress => {
  const waitSeconds = nextWaitSeconds({ ...SHORTEST_WAIT, maxSeconds: lookSeconds }, at.waitSeconds);
  return { ...at, waitSeconds: Math.max(1, Math.min(waitSeconds, untilSeconds - at.waitedSeconds)) };
};

const ended = (at: RollOutProgress, end: Partial<RollOutProgress>): RollOutProgress => ({
  ...at,
  waitSeconds: 0,
  ...end,
});

const unhealthy = (at: RollOutProgress, reason: string): RollOutProgress =>
  ended(at, { status: 'unhealthy', reason });

function notBegun(at: RollOutProgress, limits: RollOutLimits): RollOutProgress {
  if (at.waitedSeconds < limits.timeoutSeconds) {
    return again({ ...at, status: 'awaited' }, limits.timeoutSeconds, limits);
  }
  const reason = `no deployment began within ${inWords(limits.timeoutSeconds)}`;
  return ended(at, { status: 'left-alone', reason });
}

function underWay(at: RollOutProgress, rings: string | undefined, limits: RollOutLimits): RollOutProgress {
  if (rings !== undefined) return unhealthy(at, `the alarm ${rings} rang while the deployment was under way`);
  if (at.waitedSeconds < limits.timeoutSeconds) {
    return again({ ...at, status: 'under-way' }, limits.timeoutSeconds, limits);
  }
  return unhealthy(at, `the deployment was not complete within ${inWords(limits.timeoutSeconds)}`);
}

function complete(seen: RollOutProgress, rings: string | undefined, limits: RollOutLimits): RollOutProgress {
  const hasBegun = seen.status === 'baking';
  const at: RollOutProgress = { ...seen, runs: 'new', waitedSeconds: hasBegun ? seen.waitedSeconds : 0 };
  if (rings !== undefined) return unhealthy(at, `the alarm ${rings} rang in the bake time`);
  if (at.waitedSeconds < limits.bakeSeconds) {
    return again({ ...at, status: 'baking' }, limits.bakeSeconds, limits);
  }
  const [old] = at.ringing;
  if (old === undefined) return ended(at, { status: 'healthy' });
  const reason = `the alarm ${old} has rung since before the deployment began`;
  return ended(at, { status: 'left-alone', reason });
}

function goingBack(at: RollOutProgress, { deployment }: RollOutLook, limits: RollOutLimits): RollOutProgress {
  const sentBack = (runs: RollOutProgress['runs']) => ended(at, { status: 'sent-back', runs });
  if (!deployment) return sentBack('unknown');
  switch (deployment.state) {
    case 'old-version':
      return sentBack('old');
    case 'complete':
      return sentBack('new');
    case 'unsettled':
      return at.waitedSeconds < UNSETTLED_SECONDS
        ? again(at, UNSETTLED_SECONDS, limits)
        : sentBack('unknown');
    case 'under-way':
    case 'going-back':
      return at.waitedSeconds < SENDING_BACK_SECONDS
        ? again(at, SENDING_BACK_SECONDS, limits)
        : sentBack('unknown');
    default:
      return deployment.state satisfies never;
  }
}

/** The run was a part of a deployment that is not followed here. */
export const ofAnother = (at: RollOutProgress, deployment: string): RollOutProgress =>
  ended(at, { status: 'left-alone', reason: `the run belongs to another deployment, ${deployment}` });

/** Once the deployer was told to roll back. */
export const sendingBack = (at: RollOutProgress, limits: RollOutLimits): RollOutProgress =>
  again({ ...at, status: 'going-back', waitedSeconds: 0, waitSeconds: 0 }, SENDING_BACK_SECONDS, limits);

/** `90 minutes`, `45 s`. */
const inWords = (seconds: number): string =>
  seconds % 60 === 0 && seconds >= 60 ? `${seconds / 60} minute${seconds === 60 ? '' : 's'}` : `${seconds} s`;
