/** The two kinds of task: a call of one of the functions, and a signal. */
import type { Duration } from 'aws-cdk-lib';
import { EVENT_SOURCE, type EventType } from '../core/rollout/signal.ts';
import { FUNCTION_NAMES, type RollOutStateName, StateName } from '../core/workflow/state-name.ts';
import { FUNCTION_RETRIES, type Retrier, SIGNAL_RETRIES } from './workflow-retry.ts';

export type AslState = Readonly<Record<string, unknown>> & {
  readonly Type: string;
  readonly Comment: string;
};

/** Of either machine. */
export type AnyStateName = StateName | RollOutStateName;

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath: string;
  readonly Next: AnyStateName;
}

/** All but clean-up, which an event starts. */
export const STATE_FUNCTIONS = FUNCTION_NAMES.filter((name) => name !== 'clean-up');
export type StateFunction = (typeof STATE_FUNCTIONS)[number];

/** Whatever fails, fails into Roll back. */
export const ROLL_BACK: Catcher = {
  ErrorEquals: ['States.ALL'],
  ResultPath: '$.error',
  Next: StateName.RollBack,
};

interface Task {
  readonly comment: string;
  readonly next: AnyStateName;
  readonly catchers: readonly Catcher[];
}

interface Invocation extends Task {
  /** Beside `run`, which every function gets. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** What of the result is kept. Default: all. */
  readonly resultSelector?: Readonly<Record<string, string>>;
  /** Default: the result becomes the whole state. Null: the result is dropped. */
  readonly resultPath?: string | null;
  /** Tried again before the retries that every function has. */
  readonly retries?: readonly Retrier[];
}

interface Signal extends Task {
  readonly detailType: (typeof EventType)[keyof typeof EventType];
}

export interface TaskStates<Name extends string = StateFunction> {
  readonly invoke: (name: Name, task: Invocation) => AslState;
  readonly signal: (task: Signal) => AslState;
}

export interface TaskProps<Name extends string = StateFunction> {
  readonly functionArns: Readonly<Record<Name, string>>;
  readonly functionTimeouts: Readonly<Record<Name, Duration>>;
  readonly partition: string;
  readonly eventBusName: string;
}

/** As the context object has it. */
export const RUN = {
  'id.$': '$$.Execution.Name',
  'execution.$': '$$.Execution.Id',
  'startedAt.$': '$$.Execution.StartTime',
} as const;

/** The function's own timeout comes first, so that its error is the one that is seen; a cold start is extra. */
const BEYOND_FUNCTION_SECONDS = 30;
const SIGNAL_SECONDS = 30;

export const taskStates = <Name extends string>(props: TaskProps<Name>): TaskStates<Name> => ({
  invoke: (name, { comment, parameters = {}, resultSelector, resultPath, retries = [], next, catchers }) => ({
    Type: 'Task',
    Comment: comment,
    Resource: props.functionArns[name],
    Parameters: { run: RUN, ...parameters },
    ...(resultSelector === undefined ? {} : { ResultSelector: resultSelector }),
    ...(resultPath === undefined ? {} : { ResultPath: resultPath }),
    TimeoutSeconds: props.functionTimeouts[name].toSeconds() + BEYOND_FUNCTION_SECONDS,
    Retry: [...retries, ...FUNCTION_RETRIES],
    Catch: catchers,
    Next: next,
  }),
  signal: ({ comment, detailType, next, catchers }) => ({
    Type: 'Task',
    Comment: comment,
    Resource: `arn:${props.partition}:states:::events:putEvents`,
    Parameters: {
      Entries: [
        {
          Source: EVENT_SOURCE,
          DetailType: detailType,
          EventBusName: props.eventBusName,
          'Detail.$': '$.verdict',
        },
      ],
    },
    ResultPath: null,
    TimeoutSeconds: SIGNAL_SECONDS,
    Retry: SIGNAL_RETRIES,
    Catch: catchers,
    Next: next,
  }),
});
