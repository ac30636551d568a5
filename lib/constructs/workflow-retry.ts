/** Which failures of a task are tried again, how often, and how long that takes: no run may wait for ever. */
import { CATALOGUE } from '../core/errors/catalogue.ts';

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxAttempts: number;
  readonly MaxDelaySeconds: number;
}

/**
 * The function was not started, so calling it again is safe at once. A function in a VPC that nobody called for
 * weeks is inactive: its first call is refused and the next minute or two go by until it has its network again
 * (ResourceNotReady, ResourceConflict). Two and a half minutes in all.
 */
const NOT_STARTED: Retrier = {
  ErrorEquals: [
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.TooManyRequestsException',
    'Lambda.ResourceNotReadyException',
    'Lambda.ResourceConflictException',
  ],
  IntervalSeconds: 2,
  BackoffRate: 2,
  MaxAttempts: 8,
  MaxDelaySeconds: 30,
};

/**
 * The function died, or was still running when its time was up, and may have done its work. Another attempt is
 * safe because it takes a new token: the fence shuts the first one out. Only two, each may last as long again.
 */
const DIED: Retrier = {
  ErrorEquals: ['Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.ExitError', 'States.Timeout'],
  IntervalSeconds: 5,
  BackoffRate: 2,
  MaxAttempts: 2,
  MaxDelaySeconds: 30,
};

/** Errors of our own that say of themselves that the same call may be made again. */
const RETRYABLE_ERROR_NAMES = [
  ...new Set(
    Object.values(CATALOGUE)
      .filter(({ retryable }) => retryable)
      .map(({ name }) => name),
  ),
];
const UNREACHABLE: Retrier = {
  ErrorEquals: RETRYABLE_ERROR_NAMES,
  IntervalSeconds: 5,
  BackoffRate: 2,
  MaxAttempts: 4,
  MaxDelaySeconds: 30,
};

export const FUNCTION_RETRIES: readonly Retrier[] = [NOT_STARTED, DIED, UNREACHABLE];

/**
 * The task was not started: ECS is throttled (which it also reports as InvalidParameter, when it cannot look at the
 * subnets), or has no capacity (Unknown). About five minutes in all, half of what the lease is lengthened by.
 */
export const TASK_RETRIES: readonly [Retrier] = [
  {
    ErrorEquals: [
      'ECS.AmazonECSException',
      'ECS.InvalidParameterException',
      'ECS.SdkClientException',
      'ECS.ServerException',
      'ECS.ThrottlingException',
      'AmazonECS.Unknown',
    ],
    IntervalSeconds: 10,
    BackoffRate: 2,
    MaxAttempts: 6,
    MaxDelaySeconds: 90,
  },
];

/**
 * The request for an approval was not taken. Should its reply have been lost instead, a second message comes, and the
 * token of the first is good for nothing. An answer, or none, is never asked for again.
 */
export const ASK_RETRIES: readonly Retrier[] = [
  {
    ErrorEquals: [
      'SNS.AmazonSNSException',
      'SNS.InternalErrorException',
      'SNS.KmsThrottlingException',
      'SNS.SdkClientException',
      'SNS.ThrottledException',
    ],
    IntervalSeconds: 2,
    BackoffRate: 2,
    MaxAttempts: 5,
    MaxDelaySeconds: 30,
  },
];

/** The same event may arrive twice; receivers drop repeats by the run's id. About a minute in all. */
export const SIGNAL_RETRIES: readonly Retrier[] = [
  { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, BackoffRate: 2, MaxAttempts: 5, MaxDelaySeconds: 30 },
];
