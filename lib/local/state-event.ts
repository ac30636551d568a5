import type { StateMachine } from 'aws-local-stepfunctions';

type EventLogs = ReturnType<StateMachine['run']>['eventLogs'];

/** What happens to a state, as it happens. */
export type StateEvent = {
  readonly state: string;
  readonly type: string;
  readonly atMs: number;
} & (
  | { readonly kind: 'entered'; readonly input: unknown }
  | { readonly kind: 'exited'; readonly output: unknown }
  | { readonly kind: 'failed' | 'retried' | 'caught'; readonly error: string }
);

export type Observer = (event: StateEvent) => void;

/** Collects the events of an execution until it has ended. */
export async function observe(logs: EventLogs, events: StateEvent[], onEvent: Observer): Promise<void> {
  let error = '';
  for await (const log of logs) {
    if (!('state' in log)) continue;
    if (log.type === 'StateFailed') error = log.Error;
    const event = {
      state: log.state.name,
      type: log.state.type,
      atMs: log.timestamp,
      ...details(log, error),
    };
    events.push(event);
    onEvent(event);
  }
}

type Log = Extract<EventLogs extends AsyncGenerator<infer Each> ? Each : never, { state: unknown }>;

/** `error` is the one that the state failed with last: being retried and being caught follow from it. */
function details(log: Log, error: string) {
  switch (log.type) {
    case 'StateEntered':
      return { kind: 'entered', input: log.state.input } as const;
    case 'StateExited':
      return { kind: 'exited', output: log.state.output } as const;
    case 'StateFailed':
      return { kind: 'failed', error } as const;
    case 'StateRetried':
      return { kind: 'retried', error } as const;
    case 'StateCaught':
      return { kind: 'caught', error } as const;
    default:
      return log satisfies never;
  }
}
