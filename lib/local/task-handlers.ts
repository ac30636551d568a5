import type { RunOptions } from 'aws-local-stepfunctions';
import type { LocalAlarms } from './aws/alarms.ts';
import type { LocalDeployers } from './aws/deployers.ts';
import type { LocalEventBus } from './aws/events.ts';
import type { ExecutionStatus, LocalExecutions } from './aws/executions.ts';
import { AwsError } from './aws/service.ts';
import type { Limits } from './aws/task-tokens.ts';
import type { EcsTasks } from './ecs-tasks.ts';
import type { LambdaFunctions } from './lambda-functions.ts';
import type { Machine } from './workflow.ts';

type TaskHandlers = NonNullable<NonNullable<RunOptions['overrides']>['taskResourceLocalHandlers']>;
export interface Performers {
  readonly functions: LambdaFunctions;
  readonly tasks: EcsTasks | undefined;
  readonly eventBus: LocalEventBus;
  readonly topics: LocalDeployers;
  /** Until the task that has just begun is answered, by its token. */
  readonly waitForAnswer: (limits: Limits) => Promise<unknown>;
  readonly executions: LocalExecutions;
  readonly alarms: LocalAlarms;
  /** Of the execution. */
  readonly status: () => ExecutionStatus;
  /** Aborts when the execution ends before its tasks have. */
  readonly stopped: AbortSignal;
}

type Task = { readonly Resource: string; readonly TimeoutSeconds?: unknown };
type TaskResult = Awaited<ReturnType<TaskHandlers[string]>>;

/**
 * What each Task state does, by its name: a function called by its ARN, a container that is run to its end, or
 * what Step Functions does itself: events put, messages published, an execution started, alarms looked at.
 * A task that the local runtime could only pretend to do fails.
 */
export function taskHandlers(
  workflow: Machine,
  { functions, tasks, eventBus, executions, topics, alarms, waitForAnswer, status, stopped }: Performers,
): TaskHandlers {
  const perform = async ({ Resource: resource, TimeoutSeconds }: Task, input: unknown): Promise<unknown> => {
    // The library goes on with retries of a task after its execution was aborted; Step Functions does not.
    if (status() !== 'RUNNING') throw new Error('The execution has ended.');
    const functionName = workflow.functionByArn.get(resource);
    if (functionName) return functions.invoke(functionName, input);
    if (resource.endsWith(':states:::events:putEvents'))
      return ofService('EventBridge', () => eventBus.service.PutEvents?.(input));
    if (resource.endsWith(':states:::states:startExecution'))
      return executions.startFromState(input as never);
    if (resource.endsWith(':states:::aws-sdk:cloudwatch:describeAlarms'))
      return alarms.service.DescribeAlarms?.(input);
    if (resource.endsWith(':states:::ecs:runTask.sync')) return tasks?.run(input as never, stopped);
    if (resource.endsWith(':states:::sns:publish.waitForTaskToken')) {
      const answer = waitForAnswer({ timeoutMs: Number(TimeoutSeconds) * 1000, stopped });
      // Whoever could not be asked gives none.
      answer.catch(() => undefined);
      ofService('SNS', () => topics.publish(input as never));
      return answer;
    }
    throw new Error(`The local runtime does not know the task ${resource}`);
  };
  const handlers: TaskHandlers = {};
  for (const [name, state] of Object.entries(workflow.definition.States)) {
    if (!('Resource' in state)) continue;
    handlers[name] = async (input) => (await perform(state, input)) as TaskResult;
  }
  return handlers;
}

/** What the service refuses, Step Functions tells under a name of its own. */
function ofService<Result>(service: string, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const name = `${service}.${error.code.replace(/(?:Exception)?$/, 'Exception')}`;
    throw Object.assign(new Error(error.message), { name });
  }
}
