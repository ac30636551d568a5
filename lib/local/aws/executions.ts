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

type Start = (name: string, input: object) => void;

export class LocalExecutions {
  readonly #byArn = new Map<string, ExecutionRecord>();
  #start: Start | undefined;

  /** What StartExecution does, whichever machine it names: there is one. */
  onStart(start: Start): void {
    this.#start = start;
  }

  add(record: ExecutionRecord): void {
    this.#byArn.set(record.executionArn, record);
  }

  readonly service: Service = {
    DescribeExecution: ({ executionArn }: { executionArn: string }) => {
      const found = this.#byArn.get(executionArn);
      if (!found) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
      return described(found);
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
      if (!known) this.#start?.(name, JSON.parse(input));
      return { executionArn, startDate: (this.#byArn.get(executionArn)?.startedAtMs ?? 0) / 1000 };
    },
  };
}

const described = ({ startedAtMs, stoppedAtMs, ...rest }: ExecutionRecord) => ({
  ...rest,
  startDate: startedAtMs / 1000,
  ...(stoppedAtMs === undefined ? {} : { stopDate: stoppedAtMs / 1000 }),
});
