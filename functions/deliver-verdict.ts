/**
 * Deliver verdict: tells the receivers that the construct names, and the deployers that wait for this run, what the
 * event of the run says. Started by that event, so that it also hears of runs that the clean-up ended. It may come
 * twice or late; every receiver may be told again.
 *
 * Who is authoritative: the execution. An event whose run this machine does not know is somebody else's, and the
 * addresses of those that wait are read from the execution's own input. One receiver that cannot be told keeps no
 * other from it; afterwards the function fails, Lambda calls it again, and in the end the event is kept for a person.
 */
import { CodeDeployClient } from '@aws-sdk/client-codedeploy';
import { CodePipelineClient } from '@aws-sdk/client-codepipeline';
import { ECSClient } from '@aws-sdk/client-ecs';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { LifecycleHookSignal } from '../lib/adapters/codedeploy/index.ts';
import { ApprovalSignal, StageTransitionSignal } from '../lib/adapters/codepipeline/index.ts';
import { PauseHookSignal } from '../lib/adapters/ecs/index.ts';
import { readSecret } from '../lib/adapters/secrets-manager/index.ts';
import { SnsSignal } from '../lib/adapters/sns/index.ts';
import {
  executionArnOf,
  hasNewerVerdict,
  type RunState,
  readRunState,
} from '../lib/adapters/stepfunctions/index.ts';
import { WebhookSignal } from '../lib/adapters/webhook/index.ts';
import type { Receivers, Verdict, WaitingDeployer } from '../lib/core/rollout/index.ts';
import { deliverVerdictOutputSchema, verdictEventSchema } from '../lib/core/workflow/index.ts';
import { attemptEach } from './_runtime/attempt.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { handlerFor } from './_runtime/handler.ts';
import { readSettings } from './_runtime/settings.ts';

const stepFunctions = awsClient((limits) => new SFNClient(limits));
const sns = awsClient((limits) => new SNSClient(limits));
const secrets = awsClient((limits) => new SecretsManagerClient(limits));
const pipelines = awsClient((limits) => new CodePipelineClient(limits));
const ecs = awsClient((limits) => new ECSClient(limits));
const codeDeploy = awsClient((limits) => new CodeDeployClient(limits));

export const handler = handlerFor({
  name: 'deliver-verdict',
  input: verdictEventSchema,
  output: deliverVerdictOutputSchema,
  runId: ({ detail }) => detail.run,
  async run({ detail: verdict, time }, { log }) {
    const { receivers, stateMachineArn } = readSettings(['receivers', 'stateMachineArn']);
    const state = await readRunState(stepFunctions(), executionArnOf(stateMachineArn, verdict.run));
    if (!state) {
      log.warn('no run of this state machine: the event is left alone', { run: verdict.run });
      return { told: [] };
    }
    const attempt = attemptEach(log);
    const told: string[] = [];
    const deliveries = [
      ...toReceivers(receivers, verdict, { stateMachineArn, state, sentAtMs: Date.parse(time) }),
      ...(state.input.answerTo ?? []).map((deployer) => toDeployer(deployer, verdict)),
    ];
    for (const { receiver, send, isOutdated } of deliveries) {
      const tell = async () => {
        if (await isOutdated?.()) return;
        await send();
        told.push(receiver);
      };
      await attempt(`tell ${receiver}`, tell);
    }
    const [failure] = attempt.failures;
    if (failure) throw failure;
    return { told };
  },
});

interface Delivery {
  readonly receiver: string;
  readonly send: () => Promise<void>;
  /** Of what is a switch, not a message: an event that comes late must not set it back. */
  readonly isOutdated?: () => Promise<boolean>;
}

interface Place {
  readonly stateMachineArn: string;
  /** Of this run. */
  readonly state: RunState;
  /** The event, in milliseconds since 1970. */
  readonly sentAtMs: number;
}

function toReceivers(
  { topic, webhook, stageTransition }: Receivers,
  verdict: Verdict,
  { stateMachineArn, ...when }: Place,
): Delivery[] {
  const deliveries: Delivery[] = [];
  if (topic !== undefined) {
    deliveries.push({ receiver: 'topic', send: () => new SnsSignal(sns(), topic).send(verdict) });
  }
  if (webhook) {
    const send = async () => {
      const secret = await readSecret(secrets(), webhook.secretArn);
      await new WebhookSignal({ url: webhook.url, secret, nowMs: Date.now, fetch }).send(verdict);
    };
    deliveries.push({ receiver: 'webhook', send });
  }
  if (stageTransition) {
    deliveries.push({
      receiver: 'stage-transition',
      send: () => new StageTransitionSignal(pipelines(), stageTransition).send(verdict),
      isOutdated: () => hasNewerVerdict(stepFunctions(), stateMachineArn, verdict.run, when),
    });
  }
  return deliveries;
}

function toDeployer(deployer: WaitingDeployer, verdict: Verdict): Delivery {
  const { kind: receiver } = deployer;
  switch (deployer.kind) {
    case 'ecs-pause-hook': {
      const { serviceDeploymentArn, hookId } = deployer;
      const signal = new PauseHookSignal(ecs(), { serviceDeploymentArn, hookId });
      return { receiver, send: () => signal.send(verdict) };
    }
    case 'codedeploy-hook': {
      const { deploymentId, lifecycleEventHookExecutionId } = deployer;
      const signal = new LifecycleHookSignal(codeDeploy(), { deploymentId, lifecycleEventHookExecutionId });
      return { receiver, send: () => signal.send(verdict) };
    }
    case 'codepipeline-approval': {
      const { pipelineName, stageName, actionName, token } = deployer;
      const signal = new ApprovalSignal(pipelines(), { pipelineName, stageName, actionName, token });
      return { receiver, send: () => signal.send(verdict) };
    }
    default:
      return deployer satisfies never;
  }
}
