import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Deployment,
  type DeploymentState,
  followRollOut,
  lookSeconds,
  NEW_ROLL_OUT,
  type RollOutLimits,
  type RollOutProgress,
  SENDING_BACK_SECONDS,
  sendingBack,
} from '../../lib/core/rollout/index.ts';

const LIMITS: RollOutLimits = { timeoutSeconds: 3600, bakeSeconds: 600, lookSeconds: 60 };
const deployment = (state: DeploymentState, reason: string | null = null): Deployment => ({
  id: 'd-1',
  state,
  reason,
});

interface Seen {
  readonly state?: DeploymentState;
  readonly ringing?: readonly string[];
  readonly reason?: string;
}

/** Looks as the machine does, what is seen last again and again, until it is settled; gives every step. */
function follow(looks: readonly Seen[], limits = LIMITS, from: RollOutProgress = NEW_ROLL_OUT) {
  const steps: RollOutProgress[] = [];
  let progress = from;
  for (let i = 0; i < 10_000; i++) {
    const { state, ringing = [], reason = null } = looks[Math.min(i, looks.length - 1)] ?? {};
    progress = followRollOut(progress, { deployment: state && deployment(state, reason), ringing }, limits);
    steps.push(progress);
    if (['healthy', 'unhealthy', 'left-alone', 'sent-back'].includes(progress.status)) return steps;
  }
  throw new Error('it is never settled');
}
const endOf = (looks: readonly Seen[], limits?: RollOutLimits, from?: RollOutProgress) =>
  follow(looks, limits, from).at(-1);
const sum = (steps: readonly RollOutProgress[]) =>
  steps.reduce((all, { waitSeconds }) => all + waitSeconds, 0);

describe('a roll-out is healthy', () => {
  test('when it was complete for the whole bake time, which begins with the look that finds it complete', () => {
    const steps = follow([{}, { state: 'under-way' }, { state: 'complete' }]);
    expect(steps.at(-1)).toMatchObject({ status: 'healthy', runs: 'new', deployment: 'd-1' });
    const baking = steps.filter(({ status }) => status === 'baking');
    expect(sum(baking)).toBe(LIMITS.bakeSeconds);
    expect(baking[0]?.waitedSeconds).toBe(0);
  });

  test('at once, without a bake time', () => {
    expect(follow([{ state: 'complete' }], { ...LIMITS, bakeSeconds: 0 })).toHaveLength(1);
  });

  test('and never earlier, whatever was seen before', () => {
    const states = fc.constantFrom<DeploymentState | undefined>(undefined, 'under-way', 'complete');
    fc.assert(
      fc.property(
        fc.array(states, { maxLength: 20 }),
        fc.integer({ min: 1, max: 300 }),
        (seen, bakeSeconds) => {
          const looks = [...seen.map((state) => (state ? { state } : {})), { state: 'complete' } as const];
          const steps = follow(looks, { ...LIMITS, bakeSeconds });
          if (steps.at(-1)?.status !== 'healthy') return;
          const first = steps.findIndex(({ status }) => status === 'baking');
          expect(sum(steps.slice(first))).toBeGreaterThanOrEqual(bakeSeconds);
        },
      ),
    );
  });
});

describe('a roll-out is unhealthy', () => {
  test.each<[string, readonly Seen[], RegExp]>([
    [
      'an alarm rings while it is under way',
      [{}, { state: 'under-way', ringing: ['a'] }],
      /^the alarm a rang while/,
    ],
    [
      'an alarm rings in the bake time',
      [{ state: 'complete' }, { state: 'complete', ringing: ['a'] }],
      /^the alarm a rang in the bake time$/,
    ],
    [
      'it is not complete in time',
      [{ state: 'under-way' }],
      /^the deployment was not complete within 60 minutes$/,
    ],
    ['the deployer takes it back', [{ state: 'going-back', reason: 'it broke' }], /^it broke$/],
    ['it was taken back before it was seen', [{ state: 'old-version' }], /^the deployment did not succeed$/],
    [
      'it ended otherwise',
      [{ state: 'complete' }, { state: 'unsettled' }],
      /^the deployment did not succeed$/,
    ],
  ])('when %s', (_, looks, reason) => {
    expect(endOf(looks)).toMatchObject({ status: 'unhealthy', reason: expect.stringMatching(reason) });
  });

  test('when an alarm that rang before was quiet, and rings again', () => {
    const looks = ['a', undefined, 'a'].map((alarm) => ({
      state: 'under-way' as const,
      ringing: alarm ? [alarm] : [],
    }));
    expect(endOf(looks)).toMatchObject({ status: 'unhealthy' });
  });

  test('also when the alarm rings at the very look that sees the deployment first', () => {
    expect(endOf([{}, { state: 'complete', ringing: ['a'] }])).toMatchObject({ status: 'unhealthy' });
  });
});

describe('a roll-out is left alone', () => {
  test('when none begins in time', () => {
    const steps = follow([{}]);
    expect(steps.at(-1)).toMatchObject({
      status: 'left-alone',
      reason: 'no deployment began within 60 minutes',
    });
    expect(sum(steps)).toBe(LIMITS.timeoutSeconds);
  });

  test('when an alarm has rung since before it: not its fault, and no time to contract', () => {
    expect(endOf([{ ringing: ['a'] }, { state: 'complete', ringing: ['a'] }])).toMatchObject({
      status: 'left-alone',
      reason: 'the alarm a has rung since before the deployment began',
    });
  });
});

describe('one that was sent back', () => {
  const sent = sendingBack({ ...NEW_ROLL_OUT, status: 'unhealthy', deployment: 'd-1' }, LIMITS);
  test.each<[DeploymentState, string]>([
    ['old-version', 'old'],
    ['complete', 'new'],
    ['unsettled', 'unknown'],
    ['going-back', 'unknown'],
  ])('and is %s at last: the version that runs is %s', (state, runs) => {
    expect(endOf([{ state: 'going-back' }, { state }], LIMITS, sent)).toMatchObject({
      status: 'sent-back',
      runs,
    });
  });

  test('is waited for, but not for ever', () => {
    const steps = follow([{ state: 'going-back' }], LIMITS, sent);
    expect(sent.waitSeconds + sum(steps)).toBe(SENDING_BACK_SECONDS);
  });

  test('may seem to have ended before its roll-back is known', () => {
    const looks: readonly Seen[] = [
      { state: 'unsettled' },
      { state: 'going-back' },
      { state: 'old-version' },
    ];
    expect(endOf(looks, LIMITS, sent)).toMatchObject({ runs: 'old' });
  });
});

test('it is looked at often at first, then every minute, and seldom only where it may take days', () => {
  const waits = follow([{ state: 'under-way' }]).map(({ waitSeconds }) => waitSeconds);
  expect(waits.slice(0, 4)).toEqual([2, 3, 5, 8]);
  expect(Math.max(...waits)).toBe(60);
  expect(lookSeconds({ timeoutSeconds: 4 * 3600, bakeSeconds: 1800 })).toBe(60);
  expect(lookSeconds({ timeoutSeconds: 24 * 3600, bakeSeconds: 24 * 3600 })).toBe(180);
});
