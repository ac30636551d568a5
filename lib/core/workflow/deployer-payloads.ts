/** Inputs and outputs of the functions between the workflow and deployers: of events only what is used. */
import * as z from 'zod';
import { verdictSchema } from '../rollout/verdict.ts';

/** An event of this product's own: docs/events.md. */
export const verdictEventSchema = z.object({ time: z.iso.datetime(), detail: verdictSchema });
/** Kinds of those that were told. */
export const deliverVerdictOutputSchema = z.object({ told: z.array(z.string()) });

/** ARNs of executions. */
export const startRunOutputSchema = z.object({ started: z.array(z.string()) });

/** What an answer IN_PROGRESS takes along comes back with the next call. */
const hookDetailsSchema = z.object({ run: z.string().optional() });
/**
 * What ECS calls the function of a lifecycle hook with.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html
 */
export const ecsHookEventSchema = z.object({
  executionId: z.string().min(1),
  resourceArn: z.string().optional(),
  hookDetails: hookDetailsSchema.optional(),
});
export const ecsHookOutputSchema = z.object({
  hookStatus: z.enum(['IN_PROGRESS', 'SUCCEEDED', 'FAILED']),
  hookDetails: hookDetailsSchema.optional(),
});

/** https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html */
export const jobEventSchema = z.object({
  'CodePipeline.job': z.object({
    id: z.string().min(1),
    data: z
      .object({
        actionConfiguration: z.object({
          configuration: z.object({ UserParameters: z.string().optional() }),
        }),
        continuationToken: z.string().optional(),
      })
      .transform(({ actionConfiguration: { configuration }, continuationToken }) => ({
        userParameters: configuration.UserParameters,
        continuationToken,
      })),
  }),
});
export const jobOutputSchema = z.object({ answer: z.enum(['running', 'succeeded', 'failed']) });
