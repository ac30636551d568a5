/** The schedule that cleans up when an event was lost. */
import { Duration } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { auroraStack, coordinatorStack, inIsolatedSubnets, SYNTHESIS_MS } from './stacks.ts';
import { printed, rightsOf } from './statements.ts';

describe('the reconciler', () => {
  test(
    'is there when it is asked for: a schedule that may call Clean up, and nothing more',
    () => {
      const reconcileEvery = Duration.hours(1);
      const { template } = coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), reconcileEvery }));
      const [schedule, ...others] = Object.values(template.findResources('AWS::Scheduler::Schedule'));
      expect(others).toEqual([]);
      expect(schedule?.Properties).toMatchObject({
        ScheduleExpression: 'rate(1 hour)',
        Target: { Input: '{"reconcile":true}', RetryPolicy: { MaximumRetryAttempts: 0 } },
      });
      expect(printed(schedule?.Properties.Target.Arn)).toBe('<cleanupFunction.Arn>');
      expect(printed(schedule?.Properties.Target.RoleArn)).toBe('<ReconcilerRole.Arn>');
      expect(rightsOf(template, 'ReconcilerRole')).toEqual([
        'Allow lambda:InvokeFunction on <cleanupFunction.Arn>',
        'Allow sqs:SendMessage on <CleanUpDeadLetters.Arn>',
      ]);
    },
    SYNTHESIS_MS,
  );

  test(
    'is not there else',
    () => {
      auroraStack().template.resourceCountIs('AWS::Scheduler::Schedule', 0);
    },
    SYNTHESIS_MS,
  );
});
