/** Statements that more than one construct needs. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { EVENT_SOURCE } from '../core/rollout/signal.ts';

/** To send Lockstep's events, and no other's, to this bus. */
export const putSignals = (eventBus: IEventBus): PolicyStatement =>
  new PolicyStatement({
    actions: ['events:PutEvents'],
    resources: [eventBus.eventBusArn],
    conditions: { StringEquals: { 'events:source': EVENT_SOURCE } },
  });

/** All executions of this state machine. */
export const executionsOf = (stateMachine: StateMachine): string =>
  Stack.of(stateMachine).formatArn({
    service: 'states',
    resource: 'execution',
    resourceName: `${stateMachine.stateMachineName}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
