/** Errors of a restore after a roll-out, each from the verdict's text to the steps that a person does instead. */
import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Verdict } from '../../lib/core/rollout/index.ts';
import { RollOutStateName as R } from '../../lib/core/workflow/index.ts';
import type { Message } from '../../lib/local/aws/deployers.ts';
import { AwsError } from '../../lib/local/aws/service.ts';
import type { LocalCloud, LocalExecution } from '../../lib/local/index.ts';
import { bundleOf } from '../e2e/local-workflow.ts';
import { runtimeOf } from '../e2e/rehearsing.ts';
import { impatient, LONG_MS, succeeds, until } from './account.ts';
import { call, says } from './ward.ts';

const FILES = { '0001_a.sql': 'CREATE TABLE a (id int);' };

vi.setConfig({ testTimeout: LONG_MS });

/** A run whose roll-out is unhealthy, up to the message that asks whether to restore. */
async function asked() {
  const runtime = await runtimeOf({
    afterRollOut: (stack) => ({
      follow: { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } },
      alarms: [Alarm.fromAlarmName(stack, 'Errors', 'errors')],
      policy: 'restore',
      restore: { topic: new Topic(stack, 'Approvals') as ITopic },
    }),
  });
  impatient(runtime);
  const { cloud, directory, database, server } = runtime;
  const run = cloud.deploy(await bundleOf(FILES, directory)).start({});
  await succeeds(run);
  const follows = cloud.begun[0] as LocalExecution;
  await until(follows, 'entered', R.WaitForRollOut);
  const deployment = cloud.deployers.deployments.deployService('apps', 'orders');
  cloud.deployers.deployments.set(deployment, 'ROLLBACK_IN_PROGRESS', 'tasks failed to start');
  const request = await vi.waitUntil(() => cloud.deployers.messages[0], { timeout: LONG_MS, interval: 20 });
  const verdict = async (): Promise<Verdict> => {
    expect(await follows.outcome).toMatchObject({ status: 'FAILED' });
    return cloud.eventBus.events.at(-1)?.detail as Verdict;
  };
  const url = server?.url(database.database) ?? '';
  return { cloud, run, request, verdict, url };
}

function client({ endpoints }: LocalCloud): SFNClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const made = new SFNClient({ endpoint: endpoints.aws, region: 'us-east-1', credentials });
  onTestFinished(() => made.destroy());
  return made;
}

const tokenIn = ({ text }: Message): string => /^TOKEN='(.+)'$/m.exec(text)?.[1] ?? '';

async function canBeDoneByHand(run: LocalExecution, url: string, { restorePoint }: Verdict): Promise<void> {
  const { exitCode, stdout } = await call(['restore', 'plan', run.name], { url });
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`--db-snapshot-identifier ${restorePoint}`);
}

test('LS751, by hand, with rights that the function has not', async () => {
  const { cloud, run, request, verdict, url } = await asked();
  const refuse = () => {
    throw new AwsError('AccessDenied', 'not authorized to perform rds:RestoreDBInstanceFromDBSnapshot');
  };
  Object.assign(cloud.services.rds, { RestoreDBInstanceFromDBSnapshot: refuse });
  await client(cloud).send(
    new SendTaskSuccessCommand({ taskToken: tokenIn(request), output: '{"by":"Ann"}' }),
  );
  const told = await verdict();
  expect(told.state).toMatch(/ LS751: .* AccessDenied: not authorized .* The old database is as it was\.$/);
  says('LS751', '`lockstep restore plan RUN` prints the same steps');
  await canBeDoneByHand(run, url, told);
});

test('LS752, by hand, when the data is needed after all', async () => {
  const { cloud, run, request, verdict, url } = await asked();
  const cause = 'Ann: the app can do without';
  await client(cloud).send(
    new SendTaskFailureCommand({ taskToken: tokenIn(request), error: 'Refused', cause }),
  );
  const told = await verdict();
  expect(told.state).toContain(` LS752: The restore was refused: ${cause}. Nothing was restored.`);
  says('LS752', '`lockstep restore plan RUN` prints the steps');
  await canBeDoneByHand(run, url, told);
});
