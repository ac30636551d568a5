/**
 * What a deployer asks for when it sends an event or calls a function: a run, named after the deployment, so that
 * the same question asked twice starts one run.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type BundleAddress, urlOf } from '../published/address.ts';
import { pushedBundle } from '../published/pushed.ts';
import type { StartInput } from './payloads.ts';

export interface RunRequest {
  /** Of the execution: at most 80 of the characters that Step Functions allows. */
  readonly name: string;
  readonly input: StartInput;
}

/** A question as it comes in; an ECS event has to be completed with the hooks that wait. */
export type Question =
  | { readonly kind: 'request'; readonly request: RunRequest }
  | { readonly kind: 'ecs-deployment'; readonly serviceDeploymentArns: readonly string[] };

const MOST_OF_ID = 48;

/** `ecs-<what can be read of the id>-<hash of the id>`. */
export function runName(prefix: string, id: string): string {
  const readable = id.replaceAll(/[^A-Za-z0-9-]+/g, '-').slice(0, MOST_OF_ID);
  return `${prefix}-${readable}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}

const codeDeploySchema = z.object({ DeploymentId: z.string(), LifecycleEventHookExecutionId: z.string() });

/** https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html, inside an SNS record. */
const approvalSchema = z.object({
  approval: z.object({
    pipelineName: z.string(),
    stageName: z.string(),
    actionName: z.string(),
    token: z.string(),
  }),
});
const snsSchema = z.object({
  Records: z.array(z.object({ Sns: z.object({ Message: z.string() }) })).length(1),
});

const eventSchema = z.object({
  id: z.string().min(1),
  source: z.string(),
  'detail-type': z.string(),
  resources: z.array(z.string()).optional(),
  detail: z.record(z.string(), z.unknown()),
});

const SERVICE_DEPLOYMENT = /arn:[\w-]+:ecs:[\w-]+:\d{12}:service-deployment\/[\w/-]+/g;

/** Undefined for what nobody asks with. */
export function questionOf(event: unknown): Question | undefined {
  const hook = codeDeploySchema.safeParse(event);
  if (hook.success) return { kind: 'request', request: codeDeployRequest(hook.data) };
  const sns = snsSchema.safeParse(event);
  if (sns.success) return approvalQuestion(sns.data.Records[0]?.Sns.Message ?? '');
  const other = eventSchema.safeParse(event);
  return other.success ? eventQuestion(other.data) : undefined;
}

const codeDeployRequest = (hook: z.infer<typeof codeDeploySchema>): RunRequest => ({
  name: runName('codedeploy', `${hook.DeploymentId}-${hook.LifecycleEventHookExecutionId}`),
  input: {
    reason: `deployment ${hook.DeploymentId} of CodeDeploy`,
    deployment: hook.DeploymentId,
    answerTo: [
      {
        kind: 'codedeploy-hook',
        deploymentId: hook.DeploymentId,
        lifecycleEventHookExecutionId: hook.LifecycleEventHookExecutionId,
      },
    ],
  },
});

function approvalQuestion(message: string): Question | undefined {
  const parsed = approvalSchema.safeParse(parseJson(message));
  if (!parsed.success) return undefined;
  const { pipelineName, stageName, actionName, token } = parsed.data.approval;
  const address = { pipelineName, stageName, actionName, token };
  const request: RunRequest = {
    name: runName('approval', `${pipelineName}-${token}`),
    input: {
      reason: `approval ${actionName} in stage ${stageName} of pipeline ${pipelineName}`,
      answerTo: [{ kind: 'codepipeline-approval', ...address }],
    },
  };
  return { kind: 'request', request };
}

function eventQuestion(event: z.infer<typeof eventSchema>): Question | undefined {
  const { id, source, 'detail-type': type, resources = [], detail } = event;
  if (source === 'aws.ecs' && type === 'ECS Hook State Change') {
    const mentioned = JSON.stringify([resources, detail]).match(SERVICE_DEPLOYMENT) ?? [];
    return { kind: 'ecs-deployment', serviceDeploymentArns: [...new Set(mentioned)] };
  }
  const pushed = source === 'aws.s3' && type === 'Object Created' ? pushedBundle(detail) : undefined;
  if (pushed === 'unusable') return undefined;
  if (pushed) return { kind: 'request', request: pushRequest(pushed) };
  return {
    kind: 'request',
    request: { name: runName('event', id), input: { reason: `${source}: ${type}` } },
  };
}

/** Named after the object's version, so that the event may come twice. */
const pushRequest = (bundle: BundleAddress): RunRequest => ({
  name: runName('bundle', `${bundle.sha256.slice(0, 16)}-${bundle.bucket}/${bundle.key}-${bundle.versionId}`),
  input: { reason: `pushed ${urlOf(bundle)}`.slice(0, 500), bundle },
});

export const ecsRequest = (serviceDeploymentArn: string, hookId: string): RunRequest => ({
  name: runName('ecs', `${serviceDeploymentArn.split('/').at(-1)}-${hookId}`),
  input: {
    reason: `service deployment ${serviceDeploymentArn}`,
    deployment: serviceDeploymentArn,
    answerTo: [{ kind: 'ecs-pause-hook', serviceDeploymentArn, hookId }],
  },
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
