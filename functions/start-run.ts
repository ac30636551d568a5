/**
 * Start run: what deployers send (lib/core/workflow/run-request.ts says which events and calls) becomes a run. The
 * run's name is made of the deployment's id, so that an event that comes twice starts one run; the verdict goes back
 * to the deployer by deliver-verdict, from the address that stands in the run's input.
 *
 * What can fail: LS703, and then Lambda calls again; a deployer that is not answered rolls back by its own time-out.
 */
import { ECSClient } from '@aws-sdk/client-ecs';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { waitingHooks } from '../lib/adapters/ecs/index.ts';
import { startRun } from '../lib/adapters/stepfunctions/index.ts';
import { ecsRequest, questionOf, type RunRequest, startRunOutputSchema } from '../lib/core/workflow/index.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { handlerFor } from './_runtime/handler.ts';
import { readSettings } from './_runtime/settings.ts';

const stepFunctions = awsClient((limits) => new SFNClient(limits));
const ecs = awsClient((limits) => new ECSClient(limits));

export const handler = handlerFor({
  name: 'start-run',
  input: z.record(z.string(), z.unknown()),
  output: startRunOutputSchema,
  runId: () => 'none yet',
  async run(event, { log }) {
    const { stateMachineArn } = readSettings(['stateMachineArn']);
    const requests = await requestsOf(event);
    if (requests.length === 0) log.warn('nothing in the event asks for a run');
    const started = [];
    for (const request of requests) started.push(await startRun(stepFunctions(), stateMachineArn, request));
    log.info('runs were asked for', { started });
    return { started };
  },
});

async function requestsOf(event: unknown): Promise<RunRequest[]> {
  const question = questionOf(event);
  switch (question?.kind) {
    case undefined:
      return [];
    case 'request':
      return [question.request];
    case 'ecs-deployment': {
      const asked = question.serviceDeploymentArns.map(async (arn) =>
        (await waitingHooks(ecs(), arn)).map((hookId) => ecsRequest(arn, hookId)),
      );
      return (await Promise.all(asked)).flat();
    }
    default:
      return question satisfies never;
  }
}
