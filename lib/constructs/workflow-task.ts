/** The two kinds of task: a call of one of the functions, and a signal. */
import type { Duration } from 'aws-cdk-lib';
import { EVENT_SOURCE, type EventType } from '../core/rollout/signal.ts';
import { FUNCTION_NAMES, StateName } from '../core/workflow/state-name.ts';
import { FUNCTION_RETRIES, SIGNAL_RETRIES } from './workflow-retry.ts';

export type AslState = Readonly<Record<string, unknown>> & {
  readonly Type: string;
  readonly Comment: string;
};

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath: string;
  readonly Next: StateName;
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
  readonly next: StateName;
  readonly catchers: readonly Catcher[];
}

interface Invocation extends Task {
  /** Beside `run`, which every function gets. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Default: the result becomes the whole state. Null: the result is dropped. */
  readonly resultPath?: string | null;
}

interface Signal extends Task {
  readonly detailType: (typeof EventType)[keyof typeof EventType];
}

export interface TaskStates {
  readonly invoke: (name: StateFunction, task: Invocation) => AslState;
  readonly signal: (task: Signal) => AslState;
}

export interface TaskProps {
  readonly functionArns: Readonly<Record<StateFunction, string>>;
  readonly functionTimeouts: Readonly<Record<StateFunction, Duration>>;
  readonly partition: string;
  readonly eventBusName: string;
}

const RUN = {
  'id.$': '$$.Execution.Name',
  'execution.$': '$$.Execution.Id',
  'startedAt.$': '$$.Execution.StartTime',
} as const;

/** The function's own timeout comes first, so that its error is the one that is seen; a cold start is extra. */
const BEYOND_FUNCTION_SECONDS = 30;
const SIGNAL_SECONDS = 30;

export const taskStates = (props: TaskProps): TaskStates => ({
  invoke: (name, { comment, parameters = {}, resultPath, next, catchers }) => ({
    Type: 'Task',
    Comment: comment,
    Resource: props.functionArns[name],
    Parameters: { run: RUN, ...parameters },
    ...(resultPath === undefined ? {} : { ResultPath: resultPath }),
    TimeoutSeconds: props.functionTimeouts[name].toSeconds() + BEYOND_FUNCTION_SECONDS,
    Retry: FUNCTION_RETRIES,
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
