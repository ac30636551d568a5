/** Who is told a verdict beside the event bus: receivers that the construct names, and deployers that wait for a run. */
import * as z from 'zod';

const name = z.string().min(1);

/** Told of every run. */
export const receiversSchema = z.object({
  /** ARN of an SNS topic. */
  topic: name.optional(),
  /** The secret's ARN, and where the webhook is. */
  webhook: z.object({ url: name, secretArn: name }).optional(),
  /** The way into this stage is closed by roll back and opened by roll out. */
  stageTransition: z.object({ pipelineName: name, stageName: name }).optional(),
});
export type Receivers = z.infer<typeof receiversSchema>;

/** Told of one run: its address stands in the input of the execution that it asked for. */
export const waitingDeployerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ecs-pause-hook'), serviceDeploymentArn: name, hookId: name }),
  z.object({
    kind: z.literal('codedeploy-hook'),
    deploymentId: name,
    lifecycleEventHookExecutionId: name,
  }),
  z.object({
    kind: z.literal('codepipeline-approval'),
    pipelineName: name,
    stageName: name,
    actionName: name,
    token: name,
  }),
]);
export type WaitingDeployer = z.infer<typeof waitingDeployerSchema>;
