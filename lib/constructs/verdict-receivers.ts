/** Who is told the verdict of every run: what the function that tells them is told, and allowed. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Receivers } from '../core/rollout/receivers.ts';
import { refuse } from './refuse.ts';

/** Who is told the verdict of every run, beside the event bus. */
export interface VerdictReceivers {
  /** A message for people. */
  readonly topic?: ITopic;
  /** A request to a server on the internet; the secret's text is `whsec_` and the base64 of 24 to 64 bytes. */
  readonly webhook?: { readonly url: string; readonly secret: ISecret };
  /** Roll back closes the way into this stage, roll out opens it. */
  readonly stageTransition?: { readonly pipelineName: string; readonly stageName: string };
}

export const receiversSetting = ({ topic, webhook, stageTransition }: VerdictReceivers = {}): Receivers => ({
  ...(topic ? { topic: topic.topicArn } : {}),
  ...(webhook ? { webhook: { url: webhook.url, secretArn: webhook.secret.secretArn } } : {}),
  ...(stageTransition ? { stageTransition } : {}),
});

export function grantReceivers(
  role: Role,
  { topic, webhook, stageTransition }: VerdictReceivers,
  { stateMachineArn }: StateMachine,
): void {
  topic?.grantPublish(role);
  if (webhook && !webhook.url.startsWith('https://')) {
    refuse(role, 'The url of the webhook does not begin with https://.');
  }
  webhook?.secret.grantRead(role);
  if (!stageTransition) return;
  const { pipelineName, stageName } = stageTransition;
  const stage = Stack.of(role).formatArn({
    service: 'codepipeline',
    resource: `${pipelineName}/${stageName}`,
    arnFormat: ArnFormat.NO_RESOURCE_NAME,
  });
  const set = ['codepipeline:DisableStageTransition', 'codepipeline:EnableStageTransition'];
  role.addToPolicy(new PolicyStatement({ actions: set, resources: [stage] }));
  // Whether a newer run has ended since: the switch must not be set back by an event that comes late.
  role.addToPolicy(new PolicyStatement({ actions: ['states:ListExecutions'], resources: [stateMachineArn] }));
}
