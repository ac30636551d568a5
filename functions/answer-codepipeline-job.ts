/**
 * Answer CodePipeline job: the function of a Lambda invoke action. The first job starts a run named after it and is
 * answered with a continuation token, the run's ARN; CodePipeline then sends a new job with that token, twice a
 * minute or so, until it is told that the run succeeded or failed. `UserParameters` may be the run's input as JSON.
 *
 * The event carries credentials of the pipeline's artifacts: it is parsed for what is used, and never logged.
 *
 * What can fail: LS702 when CodePipeline cannot be told, LS703; Lambda calls again, and in the end the action fails
 * because it heard nothing for 20 minutes. Input that is not understood fails the action at once.
 */
import { CodePipelineClient } from '@aws-sdk/client-codepipeline';
import { SFNClient } from '@aws-sdk/client-sfn';
import { answerJob, type JobAnswer } from '../lib/adapters/codepipeline/index.ts';
import { readRunState, startRun } from '../lib/adapters/stepfunctions/index.ts';
import {
  jobEventSchema,
  jobOutputSchema,
  runName,
  type StartInput,
  startInputSchema,
} from '../lib/core/workflow/index.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { handlerFor } from './_runtime/handler.ts';
import { readSettings } from './_runtime/settings.ts';

const stepFunctions = awsClient((limits) => new SFNClient(limits));
const pipelines = awsClient((limits) => new CodePipelineClient(limits));

export const handler = handlerFor({
  name: 'answer-codepipeline-job',
  input: jobEventSchema,
  output: jobOutputSchema,
  runId: ({ 'CodePipeline.job': { id, data } }) => data.continuationToken ?? runName('pipeline', id),
  async run({ 'CodePipeline.job': { id, data } }, { log }) {
    const { stateMachineArn } = readSettings(['stateMachineArn']);
    const answer = await answerTo(id, data.continuationToken, data.userParameters, stateMachineArn);
    await answerJob(pipelines(), id, answer);
    log.info('CodePipeline asks', { answer: answer.kind });
    return { answer: answer.kind };
  },
});

async function answerTo(
  jobId: string,
  token: string | undefined,
  userParameters: string | undefined,
  stateMachineArn: string,
): Promise<JobAnswer> {
  if (token === undefined) {
    const name = runName('pipeline', jobId);
    const input = inputOf(jobId, userParameters);
    if (!input) return { kind: 'failed', run: name, message: 'UserParameters are not the input of a run.' };
    return { kind: 'running', token: await startRun(stepFunctions(), stateMachineArn, { name, input }) };
  }
  // A token is what this function gave; one that names no run of the machine was made by somebody else.
  const state = token.startsWith(stateMachineArn.replace(':stateMachine:', ':execution:'))
    ? await readRunState(stepFunctions(), token)
    : undefined;
  const run = token.split(':').at(-1) ?? token;
  switch (state?.kind) {
    case 'running':
      return { kind: 'running', token };
    case 'succeeded': {
      const { outcome = '', appliedCount = 0, restorePoint, report } = state.verdict ?? {};
      const variables = {
        run,
        outcome,
        appliedCount: String(appliedCount),
        restorePoint: restorePoint ?? '',
        report: report?.url ?? '',
      };
      return { kind: 'succeeded', run, variables };
    }
    case 'failed':
      return { kind: 'failed', run, message: state.message };
    case undefined:
      return { kind: 'failed', run, message: `There is no run ${run}.` };
    default:
      return state satisfies never;
  }
}

function inputOf(jobId: string, userParameters: string | undefined): StartInput | undefined {
  const reason = `job ${jobId} of CodePipeline`;
  if (!userParameters) return { reason };
  try {
    const parsed = startInputSchema.safeParse(JSON.parse(userParameters));
    return parsed.success ? { reason, ...parsed.data } : undefined;
  } catch {
    return undefined;
  }
}
