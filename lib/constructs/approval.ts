/** Plans that wait for a person: what the construct is told, and who may ask and answer. */
import type { Duration } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { ApprovalPolicy } from '../core/approval/policy.ts';

export interface ApprovalOptions {
  /** Which plans wait: those with a step that deletes something, or all that have something to do. */
  readonly when: ApprovalPolicy;
  /** Gets the request: the plan, and how to approve and to refuse. */
  readonly topic: ITopic;
  /**
   * How long an answer may take; after that the run is refused. Counts as part of `runTimeout`.
   * @default a third of runTimeout
   */
  readonly timeout?: Duration;
}

/** The two calls that answer a request, on requests of these state machines only. */
export const grantAnswer = (grantee: IGrantable, machines: readonly StateMachine[]): Grant =>
  Grant.addToPrincipal({
    grantee,
    actions: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
    resourceArns: machines.map(({ stateMachineArn }) => stateMachineArn),
  });
