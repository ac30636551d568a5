/** After the roll-out, on the synthesized machines with the real functions: a service of ECS is deployed, well or not. */
import { Duration } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Deployment, LocalExecution } from '../../lib/local/index.ts';
import { type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const ALARM = 'errors';
const FILES = {
  '0001_people.sql': 'CREATE TABLE public.people (id int, nom text);',
  '0001_people.down.sql': 'DROP TABLE public.people;',
  '0002_add_name.sql': 'ALTER TABLE public.people ADD COLUMN name text;',
  '0002_add_name.down.sql': 'ALTER TABLE public.people DROP COLUMN name;',
  '0003_drop_nom.contract.sql': 'ALTER TABLE public.people DROP COLUMN nom;',
};
const LONG_MS = 60_000;

let coordinator: LocalCoordinator;
let deployed: Deployment;
beforeAll(async () => {
  coordinator = await startCoordinator({
    afterRollOut: (stack) => ({
      follow: { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } },
      bakeTime: Duration.seconds(2),
      alarms: [Alarm.fromAlarmName(stack, 'Errors', ALARM)],
      policy: 'down',
    }),
  });
  deployed = await coordinator.deploy(FILES);
}, LONG_MS);
afterAll(() => coordinator.stop());
beforeEach(async () => {
  coordinator.cloud.alarms.ringing.clear();
  await coordinator.query('DROP SCHEMA IF EXISTS lockstep CASCADE; DROP TABLE IF EXISTS public.people');
});

const deployments = () => coordinator.cloud.deployers.deployments;
const columns = async () =>
  (
    await coordinator.query<{ name: string }>(
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass('public.people') AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
  ).map(({ name }) => name);

/** Migrates, but for what is to be contracted; gives the run, and the execution that follows its roll-out, which has had its first look. */
async function rollOut(): Promise<{ readonly run: LocalExecution; readonly follows: LocalExecution }> {
  const { cloud } = coordinator;
  const known = cloud.begun.length;
  const run = deployed.start({});
  expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED', output: { signal: 'ROLL_OUT' } });
  const follows = cloud.begun[known] as LocalExecution;
  await seen(follows, 'awaited');
  return { run, follows };
}

/** Until a look has found the roll-out so. */
const seen = (follows: LocalExecution, status: string) =>
  vi.waitUntil(() => statusesOf(follows).includes(status), { timeout: LONG_MS, interval: 50 });
const statusesOf = ({ events }: LocalExecution): string[] =>
  events.flatMap((event) =>
    event.kind === 'exited' && event.state === 'Await roll-out'
      ? [(event.output as { rollOut: { status: string } }).rollOut.status]
      : [],
  );
const signalsOf = ({ name }: LocalExecution) => coordinator.signalsOf(name).map(({ signal }) => signal);

describe('a roll-out that is well', () => {
  test(
    'bakes once its deployment is complete, and is followed by a run that contracts',
    async () => {
      const { run, follows } = await rollOut();
      const { begun } = coordinator.cloud;
      const known = begun.length;
      const deployment = deployments().deployService('apps', 'orders');
      await seen(follows, 'under-way');
      deployments().set(deployment, 'SUCCESSFUL');
      expect(await follows.outcome).toMatchObject({
        status: 'SUCCEEDED',
        output: { status: 'healthy', deployment, runs: 'new', waitedSeconds: 2 },
      });
      expect(statusesOf(follows)).toContain('baking');
      const contract = begun[known] as LocalExecution;
      expect(await contract.outcome).toMatchObject({ output: { applied: ['0003_drop_nom'] } });
      expect(await columns()).toEqual(['id', 'name']);
      expect(signalsOf(run)).toEqual(['ROLL_OUT']);
      // A run that only contracts is no roll-out: nothing more was begun.
      expect(begun).toHaveLength(known + 1);
    },
    LONG_MS,
  );
});

describe('a roll-out that is not', () => {
  test(
    'is sent back when an alarm rings, and what the run applied is reverted',
    async () => {
      const { run, follows } = await rollOut();
      const deployment = deployments().deployService('apps', 'orders');
      await seen(follows, 'under-way');
      coordinator.cloud.alarms.ringing.add(ALARM);
      const outcome = await follows.outcome;
      expect(outcome).toMatchObject({
        status: 'FAILED',
        error: 'RollOutError',
        cause: expect.stringMatching(
          /^LS706: The roll-out after the run \S+ was unhealthy: the alarm errors rang while the deployment was under way\. The deployment \S+ was rolled back, and the old version runs\. Nothing of this run is applied\. 0002_add_name and 0001_people were applied by this run and reverted again\./,
        ),
      });
      expect(deployments().statusOf(deployment)).toBe('ROLLBACK_SUCCESSFUL');
      expect(await columns()).toEqual([]);
      expect(signalsOf(run)).toEqual(['ROLL_OUT', 'ROLL_BACK']);
      expect(coordinator.signalsOf(run.name)[1]).toMatchObject({
        reverted: ['0002_add_name', '0001_people'],
      });
      expect(await coordinator.leases.read(coordinator.target)).toMatchObject({ state: 'FREE' });
    },
    LONG_MS,
  );

  test(
    'that ECS itself rolls back is found so, with its words',
    async () => {
      const { run, follows } = await rollOut();
      const deployment = deployments().deployService('apps', 'orders');
      await seen(follows, 'under-way');
      deployments().set(deployment, 'ROLLBACK_REQUESTED', 'tasks failed to start.');
      expect(await follows.outcome).toMatchObject({
        status: 'FAILED',
        cause: expect.stringMatching(/unhealthy: ECS has the deployment as \w+ \(tasks failed to start\)\. /),
      });
      expect(await columns()).toEqual([]);
      expect(signalsOf(run)).toEqual(['ROLL_OUT', 'ROLL_BACK']);
    },
    LONG_MS,
  );

  test(
    'in the bake time keeps the schema: the new version runs, and needs it',
    async () => {
      const { run, follows } = await rollOut();
      const deployment = deployments().deployService('apps', 'orders');
      await seen(follows, 'under-way');
      deployments().set(deployment, 'SUCCESSFUL');
      await seen(follows, 'baking');
      coordinator.cloud.alarms.ringing.add(ALARM);
      expect(await follows.outcome).toMatchObject({
        status: 'FAILED',
        cause: expect.stringMatching(
          /the alarm errors rang in the bake time\. .* is complete and cannot be stopped any more: the new version runs\. .* stay applied: the new version may be running, and needs it\. Roll the app back/,
        ),
      });
      expect(deployments().statusOf(deployment)).toBe('SUCCESSFUL');
      expect(await columns()).toEqual(['id', 'nom', 'name']);
      expect(signalsOf(run)).toEqual(['ROLL_OUT', 'ROLL_BACK']);
    },
    LONG_MS,
  );
});

test(
  'stopped while it follows, it leaves everything as it is, and the next run finds nothing in its way',
  async () => {
    const { run, follows } = await rollOut();
    const deployment = deployments().deployService('apps', 'orders');
    await seen(follows, 'under-way');
    follows.abort();
    expect(await follows.outcome).toEqual({ status: 'ABORTED' });
    expect(deployments().statusOf(deployment)).toBe('IN_PROGRESS');
    expect(await columns()).toEqual(['id', 'nom', 'name']);
    expect(signalsOf(run)).toEqual(['ROLL_OUT']);
    const next = deployed.start({ phase: 'contract' });
    expect(await next.outcome).toMatchObject({ output: { applied: ['0003_drop_nom'] } });
  },
  LONG_MS,
);
