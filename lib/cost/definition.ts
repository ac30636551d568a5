/** The part of Amazon States Language (JSONPath) that the workflow is written in. Anything else is an error, not a guess. */
export interface Definition {
  readonly StartAt: string;
  readonly TimeoutSeconds: number;
  readonly States: Readonly<Record<string, State>>;
}

export const STATE_TYPES = ['Task', 'Choice', 'Wait', 'Pass', 'Succeed', 'Fail'] as const;
export type StateType = (typeof STATE_TYPES)[number];

export interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly Default?: string;
  readonly Choices?: readonly (Condition & { readonly Next: string })[];
  readonly Resource?: string;
  /** Absent: the result becomes the whole data. Null: it is dropped. */
  readonly ResultPath?: string | null;
  readonly Seconds?: number;
  readonly SecondsPath?: string;
  readonly TimeoutSeconds?: number;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
}

export interface Condition {
  readonly Variable?: string;
  readonly And?: readonly Condition[];
  readonly IsPresent?: boolean;
  readonly StringEquals?: string;
  readonly BooleanEquals?: boolean;
}

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxAttempts: number;
  readonly MaxDelaySeconds: number;
}

interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath: string;
  readonly Next: string;
}

export const matches = ({ ErrorEquals }: { readonly ErrorEquals: readonly string[] }, error: string) =>
  ErrorEquals.includes('States.ALL') || ErrorEquals.includes(error);

export function typeOf(name: string, { Type }: State): StateType {
  const type = STATE_TYPES.find((known) => known === Type);
  if (type === undefined) throw new Error(`The cost of a state of type ${Type} (${name}) is not known`);
  return type;
}
