/** The state machine with its role and log, and the rule that cleans up after runs that it could not end itself. */
import { type Duration, Names, Stack } from 'aws-cdk-lib';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import {
  CustomerManagedEncryptionConfiguration,
  DefinitionBody,
  LogLevel,
  StateMachine,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledgeWildcard } from './acknowledge.ts';
import type { CoordinatorFunctions } from './coordinator-functions.ts';
import type { ApprovalSettings } from './coordinator-props.ts';
import { eventTarget, newDeadLetters, retryAsynchronousCalls } from './dead-letters.ts';
import { putSignals } from './grants.ts';
import { logGroup } from './log-group.ts';
import type { LongRunning } from './long-running.ts';
import { type AslDefinition, workflowDefinition } from './workflow-definition.ts';
import { STATE_FUNCTIONS } from './workflow-task.ts';

export interface WorkflowProps {
  readonly target: string;
  readonly functions: CoordinatorFunctions;
  readonly eventBus: IEventBus;
  readonly encryptionKey: IKey | undefined;
  readonly runTimeout: Duration;
  readonly longRunning: LongRunning | undefined;
  readonly approval: ApprovalSettings | undefined;
}

export class Workflow extends Construct {
  readonly stateMachine: StateMachine;
  /** Events of runs whose clean-up failed again and again. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: WorkflowProps) {
    super(scope, id);
    const { functions, eventBus, encryptionKey } = props;
    this.stateMachine = this.createStateMachine(this.definition(props), encryptionKey);
    this.stateMachine.addToRolePolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: STATE_FUNCTIONS.map((name) => functions.byName[name].functionArn),
      }),
    );
    this.stateMachine.addToRolePolicy(putSignals(eventBus));
    props.longRunning?.grantRun(this.stateMachine);
    functions.grantDescribeExecutions(this.stateMachine, encryptionKey);
    this.deadLetters = newDeadLetters(this, 'CleanUpDeadLetters');
    this.cleanUpWith(functions.byName['clean-up']);
  }

  private definition(props: WorkflowProps): AslDefinition {
    const { functions, eventBus, runTimeout, target, longRunning, approval } = props;
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
      longRunning: longRunning?.state,
      approval,
    });
  }

  private createStateMachine(definition: AslDefinition, encryptionKey: IKey | undefined): StateMachine {
    const name = Names.uniqueResourceName(this, { maxLength: 80, separator: '-' });
    const logs = logGroup(this, encryptionKey, {
      // Without this prefix every state machine adds to one resource policy of the account, which has a size limit.
      logGroupName: `/aws/vendedlogs/states/${name}`,
    });
    const stateMachine = new StateMachine(this, 'StateMachine', {
      // The use of a key is granted for the machine's ARN, which has to be known before the machine is there.
      stateMachineName: name,
      definitionBody: DefinitionBody.fromString(Stack.of(this).toJsonString(definition)),
      // An EXPRESS one reports success to CodePipeline as soon as it has started: no gate.
      stateMachineType: StateMachineType.STANDARD,
      comment: definition.Comment,
      tracingEnabled: true,
      logs: { destination: logs, level: LogLevel.ALL, includeExecutionData: false },
      ...(encryptionKey
        ? { encryptionConfiguration: new CustomerManagedEncryptionConfiguration(encryptionKey) }
        : {}),
    });
    acknowledgeWildcard(
      stateMachine,
      '*',
      'X-Ray and the delivery of logs have no resources to name: AWS offers nothing narrower than *.',
    );
    return stateMachine;
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
