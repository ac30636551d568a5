/**
 * Events that call a function: EventBridge retries until Lambda has accepted the event, after that Lambda does, and
 * what neither could bring to its end is kept for a person.
 */
import { Duration } from 'aws-cdk-lib';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

export function newDeadLetters(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  acknowledge(queue, 'SQS3', 'This is a dead-letter queue itself.');
  return queue;
}

export const retryAsynchronousCalls = (lambda: LambdaFunction, deadLetters: IQueue): void =>
  lambda.configureAsyncInvoke({
    retryAttempts: 2,
    maxEventAge: Duration.hours(1),
    onFailure: new SqsDestination(deadLetters),
  });

export const eventTarget = (lambda: LambdaFunction, deadLetters: IQueue): LambdaTarget =>
  new LambdaTarget(lambda, {
    deadLetterQueue: deadLetters,
    retryAttempts: 20,
    maxEventAge: Duration.hours(2),
  });
