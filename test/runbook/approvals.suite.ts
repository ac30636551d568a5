/** Errors of approvals, each from its text to a run that somebody let go on, on the local runtime. */
import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { Duration } from 'aws-cdk-lib';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { Message } from '../../lib/local/aws/deployers.ts';
import { AwsError } from '../../lib/local/aws/service.ts';
import type { Deployment, LocalExecution } from '../../lib/local/index.ts';
import { type LocalCoordinator, startCoordinator } from '../e2e/local-workflow.ts';
import { failsWith, impatient, LONG_MS, succeeds } from './account.ts';
import { says } from './ward.ts';

const FILES = {
  '0001_a.sql': 'CREATE TABLE public.a (id int, note text);',
  '0002_drop.contract.sql': 'ALTER TABLE public.a DROP COLUMN note;',
};

vi.setConfig({ testTimeout: LONG_MS });

let coordinator: LocalCoordinator;
let deployed: Deployment;
beforeAll(async () => {
  coordinator = await startCoordinator({
    approval: (stack) => ({
      when: 'destructive',
      topic: new Topic(stack, 'Approvals') as ITopic,
      timeout: Duration.seconds(5),
    }),
  });
  impatient(coordinator);
  deployed = await coordinator.deploy(FILES);
}, LONG_MS);
afterAll(() => coordinator.stop());
beforeEach(() => coordinator.query('DROP SCHEMA IF EXISTS lockstep CASCADE; DROP TABLE IF EXISTS public.a'));

const asked = async (begin: () => void): Promise<Message> => {
  const { messages } = coordinator.cloud.deployers;
  const known = messages.length;
  begin();
  return vi.waitUntil(() => messages[known], { timeout: LONG_MS, interval: 20 });
};
function stepFunctions(): SFNClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SFNClient({
    endpoint: coordinator.cloud.endpoints.aws,
    region: 'us-east-1',
    credentials,
  });
  onTestFinished(() => client.destroy());
  return client;
}
const tokenIn = ({ text }: Message): string => /^TOKEN='(.+)'$/m.exec(text)?.[1] ?? '';
/** A new run, which asks again, and the person says yes. */
async function isApproved(begin: () => LocalExecution): Promise<void> {
  let run: LocalExecution | undefined;
  const request = await asked(() => {
    run = begin();
  });
  const [, output = ''] = /send-task-success .*--task-output '([^']*)'/.exec(request.text) ?? [];
  await stepFunctions().send(new SendTaskSuccessCommand({ taskToken: tokenIn(request), output }));
  await succeeds(run!);
}

test('LS710, by a new run, which asks again', async () => {
  const { start } = deployed;
  let run: LocalExecution | undefined;
  const request = await asked(() => {
    run = start({});
  });
  const cause = 'Ann: not on a Friday';
  await stepFunctions().send(
    new SendTaskFailureCommand({ taskToken: tokenIn(request), error: 'Refused', cause }),
  );
  expect(await failsWith('LS710', run!)).toContain(cause);
  says('LS710', 'start a new run, which asks again');
  await isApproved(() => start({}));
});

test('LS711, by a new run, which asks again', async () => {
  const { start } = deployed;
  await failsWith('LS711', start({}));
  says('LS711', 'start a new run, which asks again');
  await isApproved(() => start({}));
});

test('LS712, with the right to publish', async () => {
  const { deployers } = coordinator.cloud;
  const publish = deployers.publish.bind(deployers);
  const { start } = deployed;
  deployers.publish = () => {
    throw new AwsError('AuthorizationError', 'not allowed');
  };
  await failsWith('LS712', start({}));
  says('LS712', '`sns:Publish`', 'Then start a new run');
  deployers.publish = publish;
  await isApproved(() => start({}));
});
