/** What the walk counts is what the local runtime does with the same outcomes: real functions, a real database. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StateName } from '../../lib/core/workflow/index.ts';
import {
  CountedLease,
  type Definition,
  NOTHING_TO_DO,
  type Outcomes,
  type Script,
  scriptOf,
  TYPICAL,
  walk,
} from '../../lib/cost/index.ts';
import type { LocalExecution } from '../../lib/local/index.ts';
import { chargedIn } from '../cost/machines.ts';
import { type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const LEASE = { leaseDurationSeconds: 10, leaseWaitSeconds: 60 };
/** There is no RDS here, so no restore point of it; and six small tables take no time. */
const HERE: Outcomes = {
  ...TYPICAL,
  restorePointSeconds: 'none',
  calls: [{ seconds: 1, ends: 'applied' }],
};
const SIX = Object.fromEntries(
  [1, 2, 3, 4, 5, 6].map((n) => [`000${n}_create_t${n}.sql`, `CREATE TABLE t${n} (id int);`]),
);

/** Requests that the DynamoDB API of the local runtime, which is in this process, was sent. */
let requests: string[];
const REQUEST = 'http.server.request.start';
const note = (message: unknown) => {
  const target = (message as { request: IncomingMessage }).request.headers['x-amz-target'];
  if (/^DynamoDB_\d+\.(Get|Put|Update|Delete)Item$/.test(String(target))) requests.push(String(target));
};
const sent = (operation: string): number => requests.filter((target) => target.endsWith(operation)).length;

let coordinator: LocalCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
  requests = [];
  subscribe(REQUEST, note);
});
afterEach(async () => {
  unsubscribe(REQUEST, note);
  await coordinator.stop();
});

const newLease = () => new CountedLease(LEASE.leaseDurationSeconds);
const newScript = (outcomes: Outcomes, lease = newLease()): Script => scriptOf(outcomes, { ...LEASE, lease });

const walked = async (script: Script) => {
  const { definition } = coordinator.cloud.workflow;
  return walk(definition as unknown as Definition, script);
};
const chargedFor = ({ events }: LocalExecution): string[] =>
  events
    .filter(({ kind }) => kind === 'entered' || kind === 'retried')
    .map(({ kind, state }) => `${kind} ${state}`);
const callsIn = ({ visits }: Awaited<ReturnType<typeof walked>>): number =>
  visits
    .filter(({ resource }) => resource?.includes(':lambda:'))
    .reduce((sum, { tries }) => sum + tries.length, 0);

test('a run with six migrations, and then one with nothing to do', async () => {
  const { start, functions } = await coordinator.deploy(SIX);
  const typical = start({});
  expect(await typical.outcome).toMatchObject({ status: 'SUCCEEDED', output: { appliedCount: 6 } });
  const lease = newLease();
  const typicalWalk = await walked(newScript(HERE, lease));
  expect(chargedFor(typical)).toEqual(chargedIn(typicalWalk));
  expect(functions.calls).toBe(callsIn(typicalWalk));
  const { reads, writes } = lease.counts;
  // On a slow machine the lease is renewed more than once, each time with one of both.
  const moreRenewals = sent('PutItem') - writes;
  expect(moreRenewals).toBeGreaterThanOrEqual(0);
  expect(sent('GetItem')).toBe(reads + moreRenewals);
  expect(requests).toHaveLength(sent('GetItem') + sent('PutItem'));
  requests = [];

  const nothing = start({});
  expect(await nothing.outcome).toMatchObject({ output: { outcome: 'nothing-pending' } });
  const nothingWalk = await walked(newScript(NOTHING_TO_DO));
  expect(chargedFor(nothing)).toEqual(chargedIn(nothingWalk));
  expect(functions.calls).toBe(callsIn(typicalWalk) + callsIn(nothingWalk));
  expect(requests).toEqual([]);
});

test('a run whose function is killed once', async () => {
  const { start, functions } = await coordinator.deploy({
    '0001_count_tries.sql': 'CREATE SEQUENCE tries;',
    '0002_slow_at_first.sql': "SELECT pg_sleep(CASE nextval('tries') WHEN 1 THEN 60 ELSE 0 END);",
  });
  const run = start({});
  const isSlow = async () =>
    (
      await coordinator.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
      )
    ).length > 0;
  while (!(await isSlow())) await sleep(50);
  for (const process of functions.serving('migrate')) process.kill('SIGKILL');
  expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED' });

  const usual = newScript(HERE);
  let isKilled = false;
  const killing: Script = (question) => {
    if (question.state !== StateName.Migrate || isKilled) return usual(question);
    isKilled = true;
    return { seconds: 1, error: 'Lambda.Unknown' };
  };
  const killedWalk = await walked(killing);
  expect(chargedFor(run)).toEqual(chargedIn(killedWalk));
  expect(functions.calls).toBe(callsIn(killedWalk));
});
