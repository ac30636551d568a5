/** A schedule beside the event of a run's end: should that be lost, and no other run come for long. */
import { type Duration, Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** The L2 construct of a schedule would let its role call every version of the function, too. */
export function reconcile(
  scope: Construct,
  every: Duration,
  cleanUp: LambdaFunction,
  deadLetters: IQueue,
): void {
  const role = new Role(scope, 'ReconcilerRole', {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
    inlinePolicies: {
      CleanUp: new PolicyDocument({
        statements: [
          new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [cleanUp.functionArn] }),
          new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }),
        ],
      }),
    },
  });
  new CfnSchedule(scope, 'Reconciler', {
    description: 'Lockstep: cleans up after the run that has the lease, if it has ended',
    scheduleExpression: ScheduleExpression.rate(every).expressionString,
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: cleanUp.functionArn,
      roleArn: role.roleArn,
      input: JSON.stringify({ reconcile: true }),
      deadLetterConfig: { arn: deadLetters.queueArn },
      // The next one is not far.
      retryPolicy: { maximumRetryAttempts: 0 },
    },
  });
}
