/** The states that ask a person, between the plan and everything that the run does. */
import type { Duration } from 'aws-cdk-lib';
import { StateName } from '../core/workflow/state-name.ts';
import { ASK_RETRIES } from './workflow-retry.ts';
import { type AslState, ROLL_BACK, type TaskStates } from './workflow-task.ts';

export interface ApprovalState {
  readonly topicArn: string;
  readonly timeout: Duration;
}

/**
 * However the wait ends, Check approval is next: it decides what the answer means, and makes the plan again, which may
 * have become another one meanwhile.
 */
export const approvalStates = (
  { invoke }: TaskStates,
  { topicArn, timeout }: ApprovalState,
  partition: string,
  again: Readonly<Record<string, unknown>>,
) => ({
  [StateName.ApprovalNeeded]: {
    Type: 'Choice',
    Comment: 'Only a plan that the policy names waits for a person, and only until somebody has approved it.',
    Choices: [{ Variable: '$.approval.status', StringEquals: 'needed', Next: StateName.AskForApproval }],
    Default: StateName.TakeRestorePoint,
  } satisfies AslState,
  [StateName.AskForApproval]: {
    ...askState({ topicArn, timeout }, partition, { at: '$.approval', runPath: '$$.Execution.Name' }),
    Comment:
      'Waits for a person: the message to the topic says how to approve and to refuse. Nothing was done yet; stopping the run here is harmless.',
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.approval.failure', Next: StateName.CheckApproval }],
    Next: StateName.CheckApproval,
  } satisfies AslState,
  [StateName.CheckApproval]: invoke('plan', {
    comment: 'Makes the plan again. One that has changed since somebody approved it has to be approved anew.',
    parameters: { 'request.$': '$$.Execution.Input', ...again },
    next: StateName.AnythingPending,
    catchers: [ROLL_BACK],
  }),
});

interface Asked {
  /** Of the data: `request` is there, and becomes `answer`. */
  readonly at: string;
  /** Where the name of the run is that it is about. */
  readonly runPath: string;
}

/** A message to the topic, with a token, and the wait for whoever answers with it. */
export const askState = (
  { topicArn, timeout }: ApprovalState,
  partition: string,
  { at, runPath }: Asked,
): AslState => ({
  Type: 'Task',
  Comment: '',
  Resource: `arn:${partition}:states:::sns:publish.waitForTaskToken`,
  Parameters: {
    TopicArn: topicArn,
    'Subject.$': `${at}.request.subject`,
    'Message.$': `States.Format('{}{}{}', ${at}.request.before, $$.Task.Token, ${at}.request.after)`,
    MessageAttributes: { run: { DataType: 'String', 'StringValue.$': runPath } },
  },
  ResultPath: `${at}.answer`,
  TimeoutSeconds: timeout.toSeconds(),
  Retry: ASK_RETRIES,
});
