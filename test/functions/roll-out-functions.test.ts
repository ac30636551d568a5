/** The functions that follow a roll-out, over the SDK, with what stands in for Amazon ECS behind them. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { handler as awaitRollOut } from '../../functions/await-roll-out.ts';
import { handler as stopRollOut } from '../../functions/stop-roll-out.ts';
import { NEW_ROLL_OUT, type RollOutProgress } from '../../lib/core/rollout/index.ts';
import { LocalDeployers } from '../../lib/local/aws/deployers.ts';
import { contextOf, type FunctionRuntime, runOf, startFunctionRuntime } from './function-runtime.ts';

const { ecs, deployments } = new LocalDeployers();
let runtime: FunctionRuntime;
beforeAll(async () => {
  runtime = await startFunctionRuntime({ ecs });
});
afterAll(() => runtime.close());

const COMMON = {
  run: runOf('follower'),
  follow: { kind: 'ecs-service', cluster: 'apps', service: 'orders' },
  limits: { timeoutSeconds: 3600, bakeSeconds: 60, lookSeconds: 60 },
} as const;
const begin = () => deployments.deployService('apps', 'orders');
const look = (rollOut: RollOutProgress, more: { readonly request?: object; readonly alarms?: object } = {}) =>
  awaitRollOut({ ...COMMON, request: {}, rollOut, ...more }, contextOf());

describe('await-roll-out', () => {
  test('follows the first deployment that begins after the first look, and no other', async () => {
    begin();
    const first = await look(NEW_ROLL_OUT);
    expect(first).toMatchObject({ status: 'awaited', deployment: null, after: expect.any(String) });
    expect(await look(first)).toMatchObject({ status: 'awaited', deployment: null });
    const own = begin();
    const second = await look(first);
    expect(second).toMatchObject({ status: 'under-way', deployment: own });
    begin();
    expect(await look(second)).toMatchObject({ deployment: own });
  });

  test('follows the deployment that the run is a part of, although it has begun', async () => {
    const deployment = begin();
    begin();
    expect(await look(NEW_ROLL_OUT, { request: { deployment } })).toMatchObject({
      status: 'under-way',
      deployment,
    });
  });

  test('leaves a deployment of another service alone', async () => {
    const deployment = deployments.deployService('apps', 'orders-admin');
    expect(await look(NEW_ROLL_OUT, { request: { deployment } })).toMatchObject({
      status: 'left-alone',
      reason: `the run belongs to another deployment, ${deployment}`,
    });
  });

  test('knows alarms of both kinds, as CloudWatch tells them, or none', async () => {
    const deployment = begin();
    const seen = await look(NEW_ROLL_OUT, { request: { deployment } });
    for (const kind of ['MetricAlarms', 'CompositeAlarms']) {
      const alarms = { [kind]: [{ AlarmName: 'errors', StateValue: 'ALARM' }] };
      expect(await look(seen, { alarms })).toMatchObject({
        status: 'unhealthy',
        reason: expect.stringMatching(/^the alarm errors rang/),
      });
    }
    expect(await look(seen, { alarms: {} })).toMatchObject({ status: 'under-way' });
  });
});

describe('stop-roll-out', () => {
  test('sends the deployment back, and no harm is done when it is called again', async () => {
    const deployment = begin();
    const rollOut = { ...NEW_ROLL_OUT, status: 'unhealthy' as const, deployment, reason: 'the alarm a rang' };
    for (const _ of [1, 2])
      expect(await stopRollOut({ ...COMMON, rollOut }, contextOf())).toMatchObject({
        status: 'going-back',
        waitedSeconds: 0,
        reason: 'the alarm a rang',
      });
    expect(deployments.statusOf(deployment)).toMatch(/^ROLLBACK_/);
  });
});
