/** Statements that more than one construct needs. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
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

/** To ask how executions are, or how they ended. What a key of one's own encrypts, the asker has to decrypt. */
export const describeExecutions = (
  stateMachine: StateMachine,
  encryptionKey: IKey | undefined,
): PolicyStatement[] => [
  new PolicyStatement({ actions: ['states:DescribeExecution'], resources: [executionsOf(stateMachine)] }),
  ...(encryptionKey ? [decryptExecutions(stateMachine, encryptionKey)] : []),
];

export const decryptExecutions = (stateMachine: StateMachine, { keyArn }: IKey): PolicyStatement =>
  new PolicyStatement({
    actions: ['kms:Decrypt'],
    resources: [keyArn],
    conditions: {
      StringEquals: { 'kms:EncryptionContext:aws:states:stateMachineArn': stateMachine.stateMachineArn },
    },
  });

/** CloudWatch Logs encrypts with the key itself. Does nothing to a key that the app does not own. */
export function letLogsEncrypt(scope: Construct, key: IKey): void {
  const { partition, region, account } = Stack.of(scope);
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      // In the policy of a key, this is the key.
      resources: ['*'],
      conditions: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*`,
        },
      },
    }),
  );
}
