/** The state machine with its role and log, and the rule that cleans up after runs that it could not end itself. */
import { type Duration, Stack } from 'aws-cdk-lib';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { CoordinatorFunctions } from './coordinator-functions.ts';
import type { ApprovalSettings } from './coordinator-settings.ts';
import { eventTarget, newDeadLetters, retryAsynchronousCalls } from './dead-letters.ts';
import type { FargateTask } from './fargate-task.ts';
import { putSignals } from './grants.ts';
import { reconcile } from './reconciler.ts';
import type { Reports } from './reports.ts';
import { createStateMachine } from './state-machine.ts';
import { type AslDefinition, workflowDefinition } from './workflow-definition.ts';
import type { FollowRollOut } from './workflow-follow-roll-out.ts';
import type { RehearsalState } from './workflow-rehearsal.ts';
import { STATE_FUNCTIONS } from './workflow-task.ts';

export interface WorkflowProps {
  readonly target: string;
  readonly functions: CoordinatorFunctions;
  readonly eventBus: IEventBus;
  readonly encryptionKey: IKey | undefined;
  readonly runTimeout: Duration;
  readonly task: FargateTask | undefined;
  readonly approval: ApprovalSettings | undefined;
  readonly rehearsal: RehearsalState | undefined;
  readonly followRollOut: FollowRollOut | undefined;
  readonly reconcileEvery: Duration | undefined;
  readonly reports: Reports | undefined;
}

export class Workflow extends Construct {
  readonly stateMachine: StateMachine;
  /** Events of runs whose clean-up failed again and again. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: WorkflowProps) {
    super(scope, id);
    const { functions, eventBus, encryptionKey } = props;
    this.stateMachine = createStateMachine(this, this.definition(props), encryptionKey);
    this.stateMachine.addToRolePolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [
          ...STATE_FUNCTIONS.map((name) => functions.byName[name].functionArn),
          ...Object.values(props.rehearsal?.functionArns ?? {}),
        ],
      }),
    );
    this.stateMachine.addToRolePolicy(putSignals(eventBus));
    props.task?.grantRun(this.stateMachine);
    props.reports?.grantInvoke(this.stateMachine);
    functions.grantDescribeExecutions(this.stateMachine, encryptionKey);
    this.deadLetters = newDeadLetters(this, 'CleanUpDeadLetters');
    this.cleanUpWith(functions.byName['clean-up']);
    if (props.reconcileEvery)
      reconcile(this, props.reconcileEvery, functions.byName['clean-up'], this.deadLetters);
  }

  private definition(props: WorkflowProps): AslDefinition {
    const { functions, eventBus, runTimeout, target, task, approval, followRollOut } = props;
    const { rehearsal, reports } = props;
    const functionArns = Object.fromEntries(
      STATE_FUNCTIONS.map((name) => [name, functions.byName[name].functionArn]),
    ) as Record<(typeof STATE_FUNCTIONS)[number], string>;
    return workflowDefinition({
      functionArns,
      functionTimeouts: functions.timeouts,
      partition: Stack.of(this).partition,
      eventBusName: eventBus.eventBusName,
      target,
      runTimeout,
      longRunning: task?.state,
      approval,
      rehearsal,
      followRollOut,
      report: reports?.state,
    });
  }

  /** An execution that is stopped or times out runs no Catch; one that fails has cleaned up, unless that failed. */
  private cleanUpWith(cleanUp: LambdaFunction): void {
    const { deadLetters } = this;
    retryAsynchronousCalls(cleanUp, deadLetters);
    new Rule(this, 'StoppedRuns', {
      description: 'Lockstep: cleans up after runs that were stopped, timed out or failed',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [this.stateMachine.stateMachineArn],
          status: ['ABORTED', 'TIMED_OUT', 'FAILED'],
        },
      },
      targets: [eventTarget(cleanUp, deadLetters)],
    });
  }
}
