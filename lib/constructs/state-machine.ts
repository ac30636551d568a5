/** How Lockstep makes a state machine from its text: with a name, a log, traces, and a key if there is one. */
import { Names, Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  CustomerManagedEncryptionConfiguration,
  DefinitionBody,
  LogLevel,
  StateMachine,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { acknowledgeWildcard } from './acknowledge.ts';
import { logGroup } from './log-group.ts';

/** Of the machine that is made in this scope. */
export const stateMachineNameIn = (scope: Construct): string =>
  Names.uniqueResourceName(scope, { maxLength: 80, separator: '-' });

export function createStateMachine(
  scope: Construct,
  definition: { readonly Comment: string },
  encryptionKey: IKey | undefined,
): StateMachine {
  const name = stateMachineNameIn(scope);
  const logs = logGroup(scope, encryptionKey, {
    // Without this prefix every state machine adds to one resource policy of the account, which has a size limit.
    logGroupName: `/aws/vendedlogs/states/${name}`,
  });
  const stateMachine = new StateMachine(scope, 'StateMachine', {
    // The use of a key is granted for the machine's ARN, which has to be known before the machine is there.
    stateMachineName: name,
    definitionBody: DefinitionBody.fromString(Stack.of(scope).toJsonString(definition)),
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
