/**
 * AWS Step Functions: runs the state machine as CDK synthesized it. Functions are called in their processes,
 * signals go to the local event bus, waits last as long as they say.
 *
 * Invariants: an execution is known to DescribeExecution from its start on; its end is told to the rule that the
 * template has for it, so the clean-up function runs when it would run in AWS; like there, a function that is
 * being called when its execution is aborted goes on, and a task that is being run is stopped.
 */
import { randomUUID } from 'node:crypto';
import { ExecutionAbortedError, ExecutionTimeoutError, StateMachine } from 'aws-local-stepfunctions';
import type { LocalAlarms } from './aws/alarms.ts';
import type { LocalDeployers } from './aws/deployers.ts';
import type { LocalEventBus } from './aws/events.ts';
import type { ExecutionRecord, ExecutionStatus, LocalExecutions } from './aws/executions.ts';
import { ACCOUNT, arn, REGION } from './aws/service.ts';
import type { Limits, TaskTokens } from './aws/task-tokens.ts';
import type { EcsTasks } from './ecs-tasks.ts';
import { failCauseOf } from './fail-cause.ts';
import type { LambdaFunctions } from './lambda-functions.ts';
import { type Observer, observe, type StateEvent } from './state-event.ts';
import { taskHandlers } from './task-handlers.ts';
import type { Machine } from './workflow.ts';

export type ExecutionOutcome =
  | { readonly status: 'SUCCEEDED'; readonly output: unknown }
  | { readonly status: 'FAILED'; readonly error: string; readonly cause: string }
  | { readonly status: 'ABORTED' | 'TIMED_OUT' };

export interface LocalExecution {
  readonly arn: string;
  readonly name: string;
  readonly events: readonly StateEvent[];
  /** Settles when the execution has ended and the clean-up, if the rule asked for one, is done. Never rejects. */
  readonly outcome: Promise<ExecutionOutcome>;
  /** As `StopExecution` in the console: no state catches it. */
  abort(): void;
}

export interface MachineSurroundings {
  readonly functions: LambdaFunctions;
  readonly tasks: EcsTasks | undefined;
  readonly eventBus: LocalEventBus;
  readonly executions: LocalExecutions;
  readonly topics: LocalDeployers;
  readonly tokens: TaskTokens;
  readonly alarms: LocalAlarms;
}

export function startExecution(
  workflow: Machine,
  surroundings: MachineSurroundings,
  input: object,
  onEvent: Observer = () => undefined,
  name: string = randomUUID(),
): LocalExecution {
  const executionArn = arn('states', `execution:${workflow.name}:${name}`);
  const record: ExecutionRecord = {
    executionArn,
    stateMachineArn: workflow.arn,
    name,
    startedAtMs: Date.now(),
    status: 'RUNNING',
    input: JSON.stringify(input),
  };
  surroundings.executions.add(record, () => run.abort());
  const stopping = new AbortController();
  const token = new TaskToken(surroundings.tokens);
  const run = new StateMachine(workflow.definition).run(input as never, {
    context: {
      Execution: { Id: executionArn, Name: name },
      StateMachine: { Id: workflow.arn, Name: workflow.name },
      Task: token.inContext as never,
    },
    overrides: {
      taskResourceLocalHandlers: taskHandlers(workflow, {
        ...surroundings,
        waitForAnswer: token.wait,
        status: () => record.status,
        stopped: stopping.signal,
      }),
    },
  });
  const events: StateEvent[] = [];
  const observed = observe(run.eventLogs, events, onEvent);
  const outcome = run.result
    .then((output): ExecutionOutcome => ({ status: 'SUCCEEDED', output }))
    .catch((error: Error) => observed.then(() => failed(workflow, error, events)))
    .then(async (ended) => {
      Object.assign(record, { stoppedAtMs: Date.now(), ...recordOf(ended) });
      stopping.abort();
      await observed;
      if (workflow.cleanUpStatuses.includes(ended.status)) await cleanUp(surroundings.functions, record);
      return ended;
    });
  return { arn: executionArn, name, events, outcome, abort: run.abort };
}

/** `$$.Task.Token`, another one for each task that waits for an answer: the library knows no tokens. */
class TaskToken {
  readonly #tokens: TaskTokens;
  #next: string;

  constructor(tokens: TaskTokens) {
    this.#tokens = tokens;
    this.#next = tokens.newToken();
  }

  get inContext(): { readonly Token: string } {
    const next = () => this.#next;
    return {
      get Token() {
        return next();
      },
    };
  }

  /** Of the task whose input was made last. */
  readonly wait = (limits: Limits): Promise<unknown> => {
    const token = this.#next;
    this.#next = this.#tokens.newToken();
    return this.#tokens.wait(token, limits);
  };
}

function recordOf(ended: ExecutionOutcome): Partial<ExecutionRecord> {
  switch (ended.status) {
    case 'SUCCEEDED':
      return { status: ended.status, output: JSON.stringify(ended.output) };
    case 'FAILED':
      return ended;
    default:
      return { status: ended.status };
  }
}

async function failed(
  workflow: Machine,
  error: Error,
  events: readonly StateEvent[],
): Promise<ExecutionOutcome> {
  if (error instanceof ExecutionAbortedError) return { status: 'ABORTED' };
  if (error instanceof ExecutionTimeoutError) return { status: 'TIMED_OUT' };
  const { name, message } = error.cause as Error;
  return { status: 'FAILED', error: name, cause: (await failCauseOf(workflow, events)) ?? message };
}

/** The event of EventBridge on which the template's rule calls the clean-up. Its failure is its own affair. */
async function cleanUp(functions: LambdaFunctions, record: ExecutionRecord): Promise<void> {
  const event = {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account: ACCOUNT,
    time: new Date().toISOString(),
    region: REGION,
    resources: [record.executionArn],
    detail: {
      executionArn: record.executionArn,
      stateMachineArn: record.stateMachineArn,
      name: record.name,
      status: record.status satisfies ExecutionStatus,
      startDate: record.startedAtMs,
      stopDate: Date.now(),
    },
  };
  await functions.invoke('clean-up', event).catch(() => undefined);
}
