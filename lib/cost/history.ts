/**
 * What Step Functions counts. Names of events are those of the API's HistoryEvent. A retry adds the events of a try
 * and none of its own, and is charged as one more transition.
 */
import type { Visit, Walk } from './walk.ts';

/** The most that one execution's history may have. */
export const MOST_EVENTS = 25_000;

/** States that were entered, and retries. */
export const transitionsOf = ({ visits }: Walk): number =>
  visits.reduce((sum, { tries }) => sum + Math.max(1, tries.length), 0);

/** The history, in order. */
export const eventsOf = (walk: Walk): string[] => [
  'ExecutionStarted',
  ...walk.visits.flatMap(eventsOfVisit),
  { SUCCEEDED: 'ExecutionSucceeded', FAILED: 'ExecutionFailed', TIMED_OUT: 'ExecutionTimedOut' }[walk.status],
];

function eventsOfVisit({ type, resource = '', tries }: Visit): string[] {
  switch (type) {
    case 'Task':
      return [
        'TaskStateEntered',
        ...tries.flatMap(({ error }) => eventsOfTry(resource, error)),
        'TaskStateExited',
      ];
    case 'Fail':
      return ['FailStateEntered'];
    default:
      return [`${type}StateEntered`, `${type}StateExited`];
  }
}

/** A function called by its ARN, or a service; one that is waited for is also submitted. */
function eventsOfTry(resource: string, error: string | undefined): string[] {
  const end = error === undefined ? 'Succeeded' : error === 'States.Timeout' ? 'TimedOut' : 'Failed';
  if (functionArn(resource)) {
    return ['LambdaFunctionScheduled', 'LambdaFunctionStarted', `LambdaFunction${end}`];
  }
  const isWaitedFor = /\.(sync(:2)?|waitForTaskToken)$/.test(resource);
  return ['TaskScheduled', 'TaskStarted', ...(isWaitedFor ? ['TaskSubmitted'] : []), `Task${end}`];
}

const functionArn = (resource: string): boolean => /^arn:[\w-]+:lambda:/.test(resource);
