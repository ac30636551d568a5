/** AWS Step Functions as the functions see it: the status of executions, kept by the state machine that runs here. */
import { AwsError, type Service } from './service.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface ExecutionRecord {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly startedAtMs: number;
  status: ExecutionStatus;
  /** JSON text. */
  readonly input?: string;
  stoppedAtMs?: number;
  /** Of one that FAILED. */
  error?: string;
  cause?: string;
  /** Of one that SUCCEEDED, JSON text. */
  output?: string;
}

interface Start {
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: object;
}
interface StartState {
  readonly StateMachineArn: string;
  readonly Name: string;
  readonly Input: object;
}
type Starter = (start: Start) => void;

export class LocalExecutions {
  readonly #byArn = new Map<string, ExecutionRecord>();
  readonly #stops = new Map<string, () => void>();
  #start: Starter | undefined;

  /** What StartExecution does. */
  onStart(start: Starter): void {
    this.#start = start;
  }

  /** @param stop what StopExecution does */
  add(record: ExecutionRecord, stop: () => void = () => undefined): void {
    this.#byArn.set(record.executionArn, record);
    this.#stops.set(record.executionArn, stop);
  }

  #find(executionArn: string): ExecutionRecord {
    const found = this.#byArn.get(executionArn);
    if (!found) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    return found;
  }

  /** What a state does that starts an execution and does not wait for it. */
  startFromState({ StateMachineArn, Name, Input }: StartState): unknown {
    const start = { stateMachineArn: StateMachineArn, name: Name, input: JSON.stringify(Input) };
    return this.service.StartExecution?.(start);
  }

  readonly service: Service = {
    DescribeExecution: ({ executionArn }: { executionArn: string }) => described(this.#find(executionArn)),
    StopExecution: ({ executionArn }: { executionArn: string }) => {
      // Of one that has ended it tells the end.
      const { stoppedAtMs = Date.now() } = this.#find(executionArn);
      this.#stops.get(executionArn)?.();
      return { stopDate: stoppedAtMs / 1000 };
    },
    ListExecutions: ({ stateMachineArn }: { stateMachineArn: string }) => ({
      executions: [...this.#byArn.values()]
        .filter((record) => record.stateMachineArn === stateMachineArn)
        .toReversed()
        .map(({ input, output, error, cause, ...listed }) => described(listed)),
    }),
    StartExecution: ({ stateMachineArn, name, input }) => {
      const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
      const known = this.#byArn.get(executionArn);
      // Asked again with the same input while it runs, Step Functions answers as it did at first.
      if (known && (known.status !== 'RUNNING' || known.input !== input))
        throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
      if (!known) this.#start?.({ stateMachineArn, name, input: JSON.parse(input) });
      return { executionArn, startDate: (this.#byArn.get(executionArn)?.startedAtMs ?? 0) / 1000 };
    },
  };
}

const described = ({ startedAtMs, stoppedAtMs, ...rest }: ExecutionRecord) => ({
  ...rest,
  startDate: startedAtMs / 1000,
  ...(stoppedAtMs === undefined ? {} : { stopDate: stoppedAtMs / 1000 }),
});
