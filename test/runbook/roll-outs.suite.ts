/** Errors and the alarm of roll-outs that are followed, each from its text to a run that succeeds, on the local runtime. */
import { Duration } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { RollOutStateName as R } from '../../lib/core/workflow/index.ts';
import { AwsError } from '../../lib/local/aws/service.ts';
import type { Deployment, LocalExecution } from '../../lib/local/index.ts';
import { type LocalCoordinator, startCoordinator } from '../e2e/local-workflow.ts';
import { command, failsWith, impatient, LONG_MS, printed, succeeds, until } from './account.ts';
import { says } from './ward.ts';

const RINGING = 'errors';
const FILES = {
  '0001_a.sql': 'CREATE TABLE public.a (id int, note text);',
  '0001_a.down.sql': 'DROP TABLE public.a;',
  '0002_drop.contract.sql': 'ALTER TABLE public.a DROP COLUMN note;',
};

vi.setConfig({ testTimeout: LONG_MS });

let coordinator: LocalCoordinator;
let deployed: Deployment;
beforeAll(async () => {
  coordinator = await startCoordinator({
    afterRollOut: (stack) => ({
      follow: { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } },
      bakeTime: Duration.seconds(1),
      alarms: [Alarm.fromAlarmName(stack, 'Errors', RINGING)],
    }),
  });
  impatient(coordinator);
  deployed = await coordinator.deploy(FILES);
}, LONG_MS);
afterAll(() => coordinator.stop());
beforeEach(async () => {
  coordinator.cloud.alarms.ringing.clear();
  await coordinator.query('DROP SCHEMA IF EXISTS lockstep CASCADE; DROP TABLE IF EXISTS public.a');
});

const deployments = () => coordinator.cloud.deployers.deployments;
const refuse = (code: string) => () => {
  throw new AwsError(code, 'not allowed');
};

/** A run that was applied; the execution that follows its roll-out; the deployment, which has begun. */
async function rollOut() {
  const { begun } = coordinator.cloud;
  const known = begun.length;
  const run = deployed.start({});
  await succeeds(run);
  const follows = begun[known] as LocalExecution;
  await until(follows, 'entered', R.WaitForRollOut);
  return { run, follows, deployment: deployments().deployService('apps', 'orders') };
}

/** The next release: what is left is contracted, and its execution that follows says that all is well. */
async function contracts(): Promise<void> {
  const run = deployed.start({ phase: 'contract' });
  await succeeds(run);
  expect(await run.outcome).toMatchObject({ output: { notAppliedCount: 0 } });
}

test('LS704, by looking at the deployment oneself', async () => {
  const { ecs } = coordinator.cloud.services;
  const { ListServiceDeployments, DescribeServiceDeployments } = ecs;
  const { follows, deployment } = await rollOut();
  const away = refuse('AccessDeniedException');
  Object.assign(ecs, { ListServiceDeployments: away, DescribeServiceDeployments: away });
  const outcome = await follows.outcome;
  expect(outcome).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('LS704: ') });
  Object.assign(ecs, { ListServiceDeployments, DescribeServiceDeployments });
  says('LS704', 'look at the deployment yourself', 'start a run with `{"phase": "contract"}`');
  deployments().set(deployment, 'SUCCESSFUL');
  await contracts();
});

test('LS705, by sending the deployment back in the console', async () => {
  const { ecs } = coordinator.cloud.services;
  const { StopServiceDeployment } = ecs;
  const { follows, deployment } = await rollOut();
  Object.assign(ecs, { StopServiceDeployment: refuse('AccessDeniedException') });
  coordinator.cloud.alarms.ringing.add(RINGING);
  const outcome = await follows.outcome;
  expect(outcome).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('LS705') });
  Object.assign(ecs, { StopServiceDeployment });
  says('LS705', '`aws ecs stop-service-deployment --stop-type ROLLBACK`');
  StopServiceDeployment?.({ serviceDeploymentArn: deployment, stopType: 'ROLLBACK' });
  expect(deployments().statusOf(deployment)).toBe('ROLLBACK_REQUESTED');
  coordinator.cloud.alarms.ringing.clear();
  await succeeds(deployed.start({ phase: 'expand' }));
});

test('LS706, by taking the schema back as well', async () => {
  const { run, follows, deployment } = await rollOut();
  await until(follows, 'entered', R.WaitForRollOut);
  coordinator.cloud.alarms.ringing.add(RINGING);
  await failsWith('LS706', follows);
  expect(deployments().statusOf(deployment)).toMatch(/^ROLLBACK/);
  await printed(coordinator, 'LS706', 'down --run RUN', { RUN: run.name });
  expect(await coordinator.query("SELECT FROM pg_class WHERE oid = to_regclass('public.a')")).toEqual([]);
  says('LS706', 'Mend the app and release again');
  coordinator.cloud.alarms.ringing.clear();
  await succeeds(deployed.start({ phase: 'expand' }));
});

test('Alarm: roll-out failed, as its contract run was refused, for a cause that is mended', async () => {
  const { follows, deployment } = await rollOut();
  expect(await command(coordinator, 'instances add orders-v1 --head 1')).toMatchObject({ exitCode: 0 });
  deployments().set(deployment, 'SUCCESSFUL');
  const outcome = await follows.outcome;
  expect(outcome).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('LS510') });
  expect(follows.events.at(-1)?.state).toBe(R.FailedUncontracted);
  says('Alarm: roll-out failed', R.FailedUncontracted, 'start a run with `{"phase": "contract"}`');
  await printed(coordinator, 'LS510', 'instances remove NAME', { NAME: 'orders-v1' });
  await contracts();
});
