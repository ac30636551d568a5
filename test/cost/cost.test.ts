import { beforeAll, describe, expect, test } from 'vitest';
import { keepRenewed, type LeaseStore } from '../../lib/core/lease/index.ts';
import { lookSeconds } from '../../lib/core/rollout/index.ts';
import { StateName } from '../../lib/core/workflow/index.ts';
import {
  CountedLease,
  costOf,
  costOfRollOut,
  costTables,
  eventsOf,
  LONGEST_ROLL_OUT,
  longestInFunctions,
  longestInTask,
  longestSendingBack,
  type Machines,
  MOST_EVENTS,
  NOTHING_TO_DO,
  type Outcomes,
  renewalsIn,
  type Script,
  scriptOf,
  TYPICAL,
  transitionsOf,
  walk,
  withTables,
} from '../../lib/cost/index.ts';
import { SYNTHESIS_MS } from '../constructs/stacks.ts';
import { readDocument } from '../docs/markdown.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { newMachines } from './machines.ts';

const PATH = 'docs/cost.md';

let machines: Machines;
beforeAll(() => {
  machines = newMachines();
}, SYNTHESIS_MS);

test('the page has the tables that the script computes: npm run cost -- --write', async () => {
  const document = readDocument(PATH);
  expect(document).toBe(withTables(document, await costTables(machines)));
});

describe('the history', () => {
  test('of a run with nothing to do is, event by event, that of Step Functions', async () => {
    const { walk } = await costOf(machines.byDefault, NOTHING_TO_DO);
    const plan = ['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionSucceeded'];
    expect(eventsOf(walk)).toEqual([
      'ExecutionStarted',
      ...['TaskStateEntered', ...plan, 'TaskStateExited'],
      ...['ChoiceStateEntered', 'ChoiceStateExited'],
      ...['TaskStateEntered', 'TaskScheduled', 'TaskStarted', 'TaskSucceeded', 'TaskStateExited'],
      ...['SucceedStateEntered', 'SucceedStateExited'],
      'ExecutionSucceeded',
    ]);
  });

  test('has the events of a try for each retry, and each is charged as a transition', () => {
    const visit = { state: 'A', type: 'Task', resource: 'arn:aws:lambda:x', seconds: 1 } as const;
    const tries = ['Lambda.Unknown', 'States.Timeout', undefined].map((error) => ({ seconds: 1, error }));
    const walked = { visits: [{ ...visit, tries }], status: 'FAILED', seconds: 1 } as const;
    expect(transitionsOf(walked)).toBe(3);
    expect(eventsOf(walked).filter((event) => event.startsWith('LambdaFunction'))).toEqual([
      ...['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionFailed'],
      ...['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionTimedOut'],
      ...['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionSucceeded'],
    ]);
  });

  test('has one event more of a task that is waited for', async () => {
    const { atItsLimits } = machines;
    const { walk } = await costOf(atItsLimits, longestInTask(atItsLimits.leaseWaitSeconds));
    expect(eventsOf(walk).filter((event) => event === 'TaskSubmitted')).toHaveLength(1);
  });
});

describe('the history of the longest run', () => {
  const events = async (outcomes: (leaseWaitSeconds: number) => Outcomes) => {
    const { atItsLimits } = machines;
    const { walk, historyEvents } = await costOf(atItsLimits, outcomes(atItsLimits.leaseWaitSeconds));
    expect(walk.status).toBe('SUCCEEDED');
    return historyEvents;
  };

  test('stays below the 25,000 events that an execution may have, and the page says its number', async () => {
    expect(MOST_EVENTS).toBe(25_000);
    const longest = Math.max(await events(longestInFunctions), await events(longestInTask));
    expect(longest).toBeLessThan(MOST_EVENTS);
    expect(readDocument(PATH)).toContain(` ${longest.toLocaleString('en-US')} `);
    expect(readDocument('docs/architecture.md')).toContain(`${longest.toLocaleString('en-US')} events`);
  });

  test('does so, too, with calls of Migrate as short as they may be', async () => {
    expect(await events((leaseWait) => longestInFunctions(leaseWait, 30))).toBeLessThan(MOST_EVENTS);
  });

  test('would not, if waits for the lease were one second long', async () => {
    const { atItsLimits: machine } = machines;
    const lease = new CountedLease(machine.leaseDurationSeconds);
    const script = scriptOf(longestInFunctions(machine.leaseWaitSeconds), { ...machine, lease });
    const impatient: Script = async (question) => {
      const answer = await script(question);
      if (question.state !== StateName.AcquireLease || !('result' in answer)) return answer;
      const result = answer.result as { readonly waitSeconds: number };
      return { ...answer, result: { ...result, waitSeconds: Math.min(1, result.waitSeconds) } };
    };
    expect(eventsOf(await walk(machine.definition, impatient)).length).toBeGreaterThan(MOST_EVENTS);
  });

  test('cannot be too long with the default limits, even if all of the time is spent on waiting', async () => {
    const machine = { ...machines.byDefault, leaseWaitSeconds: Number.POSITIVE_INFINITY };
    const forEver = { ...TYPICAL, leaseHeldSeconds: Number.POSITIVE_INFINITY };
    const { walk, historyEvents } = await costOf(machine, forEver);
    expect(walk.status).toBe('TIMED_OUT');
    expect(historyEvents).toBeLessThan(MOST_EVENTS);
  });
});

describe('the history of what follows a roll-out', () => {
  const LIMITS = [
    ['a day until it is complete, and a day of baking', 86_400, 86_400],
    ['a day until it is complete, and no bake time', 86_400, 0],
    ['sixteen hours, looked at every minute', 8 * 3600, 8 * 3600],
  ] as const;

  test.each(LIMITS)('stays below 25,000 events: %s', async (_, timeoutSeconds, bakeSeconds) => {
    const { followingAtItsLimits: machine } = machines;
    const limits = {
      timeoutSeconds,
      bakeSeconds,
      lookSeconds: lookSeconds({ timeoutSeconds, bakeSeconds }),
    };
    for (const outcomes of [LONGEST_ROLL_OUT, longestSendingBack(machine.leaseWaitSeconds)]) {
      const { walk, historyEvents } = await costOfRollOut({ ...machine, limits }, outcomes);
      expect(walk.status).not.toBe('TIMED_OUT');
      expect(historyEvents).toBeLessThan(MOST_EVENTS);
    }
  });

  test('of a day of baking after a day of deploying is the one on the page, and ends before its own time is up', async () => {
    const { followingAtItsLimits: machine } = machines;
    const { walk, historyEvents } = await costOfRollOut(machine, LONGEST_ROLL_OUT);
    expect(walk.seconds).toBeGreaterThan(2 * 86_400 - 120);
    expect(walk.seconds).toBeLessThan(machine.definition.TimeoutSeconds);
    expect(readDocument(PATH)).toContain(` ${historyEvents.toLocaleString('en-US')} |\n`);
  });
});

describe('the lease', () => {
  test('costs nothing when nothing is pending', async () => {
    expect((await costOf(machines.byDefault, NOTHING_TO_DO)).used).toMatchObject({ reads: 0, writes: 0 });
  });

  test('is written when it is acquired, minted, renewed and released, and read before each of it', async () => {
    const { used } = await costOf(machines.byDefault, TYPICAL);
    expect(used).toMatchObject({ writes: 4, reads: 5 });
  });

  test('is only read by who waits for it', async () => {
    const { used } = await costOf(machines.byDefault, { ...TYPICAL, leaseHeldSeconds: 60 });
    expect(used.writes).toBe(4);
    expect(used.reads).toBeGreaterThan(8);
  });

  test.each([1, 20, 50, 900])(
    'is renewed as often in %i s as the code that renews it does',
    async (seconds) => {
      const clock = new VirtualClock();
      let renewals = 0;
      const store = {
        renew: async () => {
          renewals++;
        },
      } as unknown as LeaseStore;
      const lease = { target: 't', holder: 'h', durationMs: 60_000, token: 1 };
      const keeping = keepRenewed({
        store,
        lease,
        clock,
        onLost: (error) => expect.unreachable(error.message),
      });
      await clock.run(seconds * 1000 - 1);
      await keeping.stop();
      expect(renewals).toBe(renewalsIn(seconds, 60));
    },
  );
});

test('a task of a service whose price is not known is an error', async () => {
  const { byDefault } = machines;
  const free = { ...byDefault, memoryMb: new Map() };
  await expect(costOf(free, NOTHING_TO_DO)).rejects.toThrow('is not known');
});
