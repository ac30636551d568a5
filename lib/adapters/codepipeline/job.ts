import {
  type CodePipelineClient,
  PutJobFailureResultCommand,
  PutJobSuccessResultCommand,
} from '@aws-sdk/client-codepipeline';
import { isNamed, LockstepError } from '../../core/errors/index.ts';

/** What the action is told of the run. */
export type JobAnswer =
  /** Ask again, with this token. */
  | { readonly kind: 'running'; readonly token: string }
  | { readonly kind: 'succeeded'; readonly variables: Readonly<Record<string, string>>; readonly run: string }
  | { readonly kind: 'failed'; readonly message: string; readonly run: string };

const LONGEST_MESSAGE = 5_000;
/** Answered already, or its pipeline execution was stopped. */
const NOBODY_WAITS = ['InvalidJobStateException', 'JobNotFoundException'];

/** Throws LS702. */
export async function answerJob(client: CodePipelineClient, jobId: string, answer: JobAnswer): Promise<void> {
  await sent(client, jobId, answer).catch((error: unknown) => {
    if (isNamed(error, NOBODY_WAITS)) return;
    throw new LockstepError('LS702', {
      what: `The job ${jobId} of CodePipeline could not be told that the run is ${answer.kind}: ${error}.`,
      state: 'The run goes on, or has ended, whatever CodePipeline knows of it: its execution tells.',
      remedy: 'Retry the action: it finds the same schema, and applies only what is missing.',
      context: { job: jobId },
      cause: error,
    });
  });
}

async function sent(client: CodePipelineClient, jobId: string, answer: JobAnswer): Promise<unknown> {
  switch (answer.kind) {
    case 'running':
      return client.send(new PutJobSuccessResultCommand({ jobId, continuationToken: answer.token }));
    case 'succeeded':
      return client.send(
        new PutJobSuccessResultCommand({
          jobId,
          outputVariables: answer.variables,
          executionDetails: { externalExecutionId: answer.run },
        }),
      );
    case 'failed':
      return client.send(
        new PutJobFailureResultCommand({
          jobId,
          failureDetails: {
            type: 'JobFailed',
            message: answer.message.slice(0, LONGEST_MESSAGE),
            externalExecutionId: answer.run,
          },
        }),
      );
    default:
      return answer satisfies never;
  }
}
