/**
 * Answer ECS hook: the function of an ECS lifecycle hook. ECS calls it when a service deployment reaches the hook's
 * stage, and again every half minute while it answers IN_PROGRESS. The first call starts a run named after the
 * deployment; each looks how that run is. Only a run that succeeded lets the deployment go on.
 *
 * What can fail: LS703 while Step Functions does not answer: then IN_PROGRESS, because ECS rolls back on an error;
 * for how long it asks is the hook's affair.
 */
import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import {
  executionArnOf,
  type RunState,
  readRunState,
  startRun,
} from '../lib/adapters/stepfunctions/index.ts';
import { LockstepError } from '../lib/core/errors/index.ts';
import {
  ecsHookEventSchema,
  ecsHookOutputSchema,
  type RunRequest,
  runName,
} from '../lib/core/workflow/index.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { handlerFor, type Invocation } from './_runtime/handler.ts';
import { readSettings } from './_runtime/settings.ts';

const stepFunctions = awsClient((limits) => new SFNClient(limits));

export const handler = handlerFor({
  name: 'answer-ecs-hook',
  input: ecsHookEventSchema,
  output: ecsHookOutputSchema,
  runId: runOf,
  async run(event, { log }) {
    const { stateMachineArn } = readSettings(['stateMachineArn']);
    const name = runOf(event);
    const { resourceArn: deployment = event.executionId } = event;
    const reason = `service deployment ${deployment}`;
    const input = { reason, ...(deployment.includes(':service-deployment/') ? { deployment } : {}) };
    const state = await startedOrRead(stateMachineArn, { name, input }, log);
    log.info('ECS asks', { run: name, state: state ?? 'not known' });
    switch (state) {
      case 'succeeded':
        return { hookStatus: 'SUCCEEDED' as const };
      case 'failed':
        return { hookStatus: 'FAILED' as const };
      default:
        return { hookStatus: 'IN_PROGRESS' as const, hookDetails: { run: name } };
    }
  },
});

/** The first call's answer names the run; a repeated first call would find it by the name, too. */
function runOf({ executionId, hookDetails }: z.output<typeof ecsHookEventSchema>): string {
  return hookDetails?.run ?? runName('ecs', executionId);
}

/** Undefined while it cannot be told. */
async function startedOrRead(
  stateMachineArn: string,
  request: RunRequest,
  log: Invocation['log'],
): Promise<RunState['kind'] | undefined> {
  try {
    const executionArn = executionArnOf(stateMachineArn, request.name);
    const state = await readRunState(stepFunctions(), executionArn);
    if (!state) await startRun(stepFunctions(), stateMachineArn, request);
    return state?.kind ?? 'running';
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'LS703') throw error;
    log.warn('Step Functions does not answer', { what: error.what });
    return undefined;
  }
}
