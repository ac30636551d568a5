/**
 * Deployers: Amazon ECS, CodeDeploy, CodePipeline and a topic of SNS, as far as Lockstep tells them something. Each
 * keeps what it was told, and refuses an answer to somebody who does not wait as its service does.
 */

import { LocalDeployments } from './deployments.ts';
import { listOf } from './query-protocol.ts';
import { AwsError, type Service } from './service.ts';

export interface Message {
  readonly topic: string;
  readonly subject: string;
  readonly text: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Publish {
  readonly TopicArn: string;
  readonly Subject: string;
  readonly Message: string;
  readonly MessageAttributes: Readonly<Record<string, { readonly StringValue: string }>>;
}

export class LocalDeployers {
  readonly deployments = new LocalDeployments();
  readonly messages: Message[] = [];
  readonly #listeners: ((message: Message) => void)[] = [];
  /** By hook, approval token or job: what was answered. */
  readonly answers = new Map<string, string>();
  /** Ids of those that wait for an answer. */
  readonly waiting = new Set<string>();
  /** By stage: whether the way into it is open. */
  readonly transitions = new Map<string, 'enabled' | { readonly disabled: string }>();
  /** Of jobs: what came with the answer. */
  readonly jobDetails = new Map<string, unknown>();

  #answer(id: string, answer: string, refusal: string): void {
    if (!this.waiting.delete(id)) throw new AwsError(refusal, `${id} does not wait`);
    this.answers.set(id, answer);
  }

  readonly sns: Service = {
    Publish: ({ MessageAttributes, ...rest }) => {
      const entries = listOf<{ Name: string; Value: { StringValue: string } }>(MessageAttributes);
      return this.publish({
        ...rest,
        MessageAttributes: Object.fromEntries(entries.map(({ Name, Value }) => [Name, Value])),
      });
    },
  };

  onMessage(listener: (message: Message) => void): void {
    this.#listeners.push(listener);
  }

  /** As the SDK's Publish, and as Step Functions' own, which has the same parameters. */
  publish({ TopicArn, Subject, Message, MessageAttributes }: Publish): { readonly MessageId: string } {
    if (!/^[\x20-\x7e]{1,100}$/.test(Subject))
      throw new AwsError('InvalidParameterException', 'Invalid parameter: Subject');
    const attributes = Object.entries(MessageAttributes).map(([name, { StringValue }]) => [
      name,
      StringValue,
    ]);
    const message = {
      topic: TopicArn,
      subject: Subject,
      text: Message,
      attributes: Object.fromEntries(attributes),
    };
    this.messages.push(message);
    for (const listener of this.#listeners) listener(message);
    return { MessageId: String(this.messages.length) };
  }

  readonly ecs: Service = {
    ...this.deployments.ecs,
    ContinueServiceDeployment: ({ serviceDeploymentArn, hookId, action }) => {
      this.#answer(hookId, action, 'InvalidParameterException');
      return { serviceDeploymentArn };
    },
    DescribeServiceDeployments: ({ serviceDeploymentArns: [serviceDeploymentArn] }) => {
      const known = [...this.waiting, ...this.answers.keys()].filter((id) => id.startsWith('ecs-pause-'));
      const lifecycleHookDetails = known.map((hookId) => ({
        hookId,
        targetType: 'PAUSE',
        status: this.waiting.has(hookId) ? 'AWAITING_ACTION' : 'SUCCEEDED',
      }));
      const described = this.deployments.describe(serviceDeploymentArn);
      return { serviceDeployments: [{ ...described, serviceDeploymentArn, lifecycleHookDetails }] };
    },
  };

  readonly codedeploy: Service = {
    ...this.deployments.codedeploy,
    PutLifecycleEventHookExecutionStatus: ({ lifecycleEventHookExecutionId: id, status }) => {
      this.#answer(id, status, 'LifecycleEventAlreadyCompletedException');
      return { lifecycleEventHookExecutionId: id };
    },
  };

  readonly codepipeline: Service = {
    PutApprovalResult: ({ token, result }) => {
      this.#answer(token, result.status, 'ApprovalAlreadyCompletedException');
      return { approvedAt: 0 };
    },
    EnableStageTransition: ({ pipelineName, stageName }) => {
      this.transitions.set(`${pipelineName}/${stageName}`, 'enabled');
      return {};
    },
    DisableStageTransition: ({ pipelineName, stageName, reason }) => {
      this.transitions.set(`${pipelineName}/${stageName}`, { disabled: reason });
      return {};
    },
    PutJobSuccessResult: ({ jobId, continuationToken, ...details }) => {
      this.#answer(jobId, continuationToken ? 'asked again' : 'Succeeded', 'InvalidJobStateException');
      this.jobDetails.set(jobId, continuationToken ?? details);
      return {};
    },
    PutJobFailureResult: ({ jobId, failureDetails }) => {
      this.#answer(jobId, 'Failed', 'InvalidJobStateException');
      this.jobDetails.set(jobId, failureDetails);
      return {};
    },
  };
}
