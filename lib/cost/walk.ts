/**
 * Goes through a definition as Step Functions would, with answers instead of tasks, and without waiting. It follows
 * Choice, Next, Retry, Catch and the limits; what a Pass state makes is not computed.
 */
import { choose, type Data, valueAt, withValueAt } from './choose.ts';
import { type Definition, matches, type State, type StateType, typeOf } from './definition.ts';

/** How a task ends; `seconds` is how long it takes. */
export type Answer = { readonly seconds: number } & (
  | { readonly result: unknown }
  | { readonly error: string }
);

/** Asked once for each try of each Task state, in order. */
export type Script = (question: { readonly state: string; readonly data: Data }) => Answer | Promise<Answer>;

export interface Try {
  readonly seconds: number;
  /** Undefined: it succeeded. */
  readonly error: string | undefined;
}

/** A state that was entered. */
export interface Visit {
  readonly state: string;
  readonly type: StateType;
  /** Of a task. */
  readonly resource: string | undefined;
  /** Of a task: more than one if it was retried. */
  readonly tries: readonly Try[];
  /** With waits between two tries. */
  readonly seconds: number;
}

export interface Walk {
  readonly visits: readonly Visit[];
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT';
  readonly seconds: number;
}

interface Step {
  readonly visit: Visit;
  readonly data: Data;
  /** Undefined: the execution ends here. */
  readonly next: string | undefined;
  readonly isFailed?: boolean;
}

/** Throws on anything in the definition that it does not know, and on a script that no execution could follow. */
export async function walk(definition: Definition, script: Script, input: Data = {}): Promise<Walk> {
  const visits: Visit[] = [];
  let data = input;
  let seconds = 0;
  for (let name = definition.StartAt; ; ) {
    const step = await enter(name, definition, data, script);
    visits.push(step.visit);
    seconds += step.visit.seconds;
    if (seconds > definition.TimeoutSeconds) {
      return { visits, status: 'TIMED_OUT', seconds: definition.TimeoutSeconds };
    }
    if (step.next === undefined) return { visits, status: step.isFailed ? 'FAILED' : 'SUCCEEDED', seconds };
    name = step.next;
    data = step.data;
  }
}

async function enter(name: string, { States }: Definition, data: Data, script: Script): Promise<Step> {
  const state = States[name];
  if (!state) throw new Error(`The definition has no state ${name}`);
  const type = typeOf(name, state);
  const visit = { state: name, type, resource: state.Resource, tries: [], seconds: 0 };
  switch (type) {
    case 'Task':
      return perform(name, state, data, script);
    case 'Choice':
      return { visit, data, next: choose(name, state, data) };
    case 'Wait':
      return { visit: { ...visit, seconds: waitSeconds(name, state, data) }, data, next: state.Next };
    case 'Pass':
      return { visit, data: withResult(data, {}, state), next: state.Next };
    case 'Succeed':
      return { visit, data, next: undefined };
    case 'Fail':
      return { visit, data, next: undefined, isFailed: true };
    default:
      return type satisfies never;
  }
}

async function perform(name: string, state: State, data: Data, script: Script): Promise<Step> {
  const tries: Try[] = [];
  let seconds = 0;
  const visit = () => ({ state: name, type: 'Task' as const, resource: state.Resource, tries, seconds });
  for (;;) {
    const answer = await script({ state: name, data });
    if (answer.seconds > (state.TimeoutSeconds ?? Number.POSITIVE_INFINITY)) {
      throw new Error(`${name} cannot take ${answer.seconds} s: its limit is ${state.TimeoutSeconds} s`);
    }
    const error = 'error' in answer ? answer.error : undefined;
    tries.push({ seconds: answer.seconds, error });
    seconds += answer.seconds;
    if ('result' in answer) {
      return { visit: visit(), data: withResult(data, answer.result, state), next: state.Next };
    }
    const delaySeconds = retryAfterSeconds(state, tries);
    if (delaySeconds === undefined) return afterFailure(state, data, answer.error, visit());
    seconds += delaySeconds;
  }
}

/** Each retrier counts the failures that it was the first to match. Undefined: no more tries. */
function retryAfterSeconds({ Retry = [] }: State, tries: readonly Try[]): number | undefined {
  const retrierOf = ({ error = '' }: Try) => Retry.find((retrier) => matches(retrier, error));
  const last = tries.at(-1);
  const retrier = last && retrierOf(last);
  if (!retrier) return undefined;
  const failures = tries.filter((each) => retrierOf(each) === retrier).length;
  if (failures > retrier.MaxAttempts) return undefined;
  const delay = retrier.IntervalSeconds * retrier.BackoffRate ** (failures - 1);
  return Math.min(retrier.MaxDelaySeconds, delay);
}

function afterFailure({ Catch = [] }: State, data: Data, error: string, visit: Visit): Step {
  const catcher = Catch.find((each) => matches(each, error));
  if (!catcher) return { visit, data, next: undefined, isFailed: true };
  return { visit, data: withValueAt(data, catcher.ResultPath, { Error: error }), next: catcher.Next };
}

function withResult(data: Data, result: unknown, { ResultPath }: State): Data {
  if (ResultPath === null) return data;
  return ResultPath === undefined ? (result as Data) : withValueAt(data, ResultPath, result);
}

function waitSeconds(name: string, { Seconds, SecondsPath }: State, data: Data): number {
  const seconds = Seconds ?? valueAt(data, SecondsPath ?? '');
  if (typeof seconds !== 'number') throw new Error(`${name} does not say how many seconds it waits`);
  return seconds;
}
