/** Both kinds of deployments, over the SDK, against what stands in for their services: the same suite for each. */
import { CodeDeployClient } from '@aws-sdk/client-codedeploy';
import { ECSClient } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CodeDeployDeployments } from '../../lib/adapters/codedeploy/deployments.ts';
import { EcsDeployments } from '../../lib/adapters/ecs/deployments.ts';
import type { Deployments } from '../../lib/core/rollout/index.ts';
import { LocalDeployers } from '../../lib/local/aws/deployers.ts';
import { AwsError } from '../../lib/local/aws/service.ts';
import { startLocalAws } from '../support/local-aws.ts';

interface Kind {
  readonly deployments: () => Deployments;
  readonly begin: () => string;
  readonly beginAnother: () => string;
  readonly succeeded: string;
  readonly failed: string;
}

const deployers = new LocalDeployers();
const { deployments: local } = deployers;
let isBroken = false;
const breakable = (service: LocalDeployers['ecs']) =>
  Object.fromEntries(
    Object.entries(service).map(([name, action]) => [
      name,
      (input: unknown) => {
        if (isBroken) throw new AwsError('AccessDeniedException', 'not authorized');
        return action(input);
      },
    ]),
  );
let aws: Awaited<ReturnType<typeof startLocalAws>>;
beforeAll(async () => {
  aws = await startLocalAws({ ecs: breakable(deployers.ecs), codedeploy: breakable(deployers.codedeploy) });
});
afterAll(() => aws.stop());

const KINDS: Readonly<Record<string, Kind>> = {
  EcsDeployments: {
    deployments: () =>
      new EcsDeployments(new ECSClient(aws.clientConfig), { cluster: 'apps', service: 'orders' }),
    begin: () => local.deployService('apps', 'orders'),
    beginAnother: () => local.deployService('apps', 'orders-admin'),
    succeeded: 'SUCCESSFUL',
    failed: 'STOPPED',
  },
  CodeDeployDeployments: {
    deployments: () =>
      new CodeDeployDeployments(new CodeDeployClient(aws.clientConfig), {
        application: 'orders',
        group: 'web',
      }),
    begin: () => local.deployGroup('orders', 'web'),
    beginAnother: () => local.deployGroup('orders', 'admin'),
    succeeded: 'Succeeded',
    failed: 'Stopped',
  },
};

describe.each(Object.entries(KINDS))('%s', (_, kind) => {
  test('the one that is made after another one is found, and no older one', async () => {
    const deployments = kind.deployments();
    expect(await deployments.newestAt()).toBeNull();
    expect(await deployments.madeAfter(null)).toBeUndefined();
    const first = kind.begin();
    expect(await deployments.madeAfter(null)).toBe(first);
    const at = await deployments.newestAt();
    kind.beginAnother();
    expect(await deployments.madeAfter(at)).toBeUndefined();
    const second = kind.begin();
    expect(await deployments.madeAfter(at)).toBe(second);
  });

  test('one that is sent back goes back to the old version; sending it back again does no harm', async () => {
    const deployments = kind.deployments();
    const id = kind.begin();
    expect(await deployments.read(id)).toMatchObject({ id, state: 'under-way' });
    await deployments.sendBack(id);
    await deployments.sendBack(id);
    expect(await deployments.read(id)).toMatchObject({ state: 'going-back' });
    let state = 'going-back';
    for (let looks = 0; state === 'going-back' && looks < 5; looks++)
      state = (await deployments.read(id))?.state ?? 'gone';
    expect(state).toBe('old-version');
  });

  test('one that is complete stays so, and one that was stopped otherwise is unsettled', async () => {
    const deployments = kind.deployments();
    const complete = kind.begin();
    local.set(complete, kind.succeeded);
    await deployments.sendBack(complete);
    expect(await deployments.read(complete)).toMatchObject({ state: 'complete' });
    const stopped = kind.begin();
    local.set(stopped, kind.failed, 'somebody stopped it.');
    expect(await deployments.read(stopped)).toMatchObject({
      state: 'unsettled',
      reason: expect.stringMatching(/^\w+ has the deployment as \w+ \(somebody stopped it\)$/),
    });
  });

  test('one of something else is nothing to it', async () => {
    expect(await kind.deployments().read(kind.beginAnother())).toBeUndefined();
  });

  test('a service that refuses is LS704, and LS705 where something was to be stopped', async () => {
    const deployments = kind.deployments();
    const id = kind.begin();
    isBroken = true;
    try {
      for (const ask of [deployments.newestAt(), deployments.madeAfter(null), deployments.read(id)])
        await expect(ask).rejects.toMatchObject({ code: 'LS704' });
      await expect(deployments.sendBack(id)).rejects.toMatchObject({ code: 'LS705' });
    } finally {
      isBroken = false;
    }
  });
});
