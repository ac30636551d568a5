/** AWS Step Functions as the functions see it: the status of executions, kept by the state machine that runs here. */
import { AwsError, type Service } from './service.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface ExecutionRecord {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly startedAtMs: number;
  status: ExecutionStatus;
  /** Of one that FAILED. */
  error?: string;
}

export class LocalExecutions {
  readonly #byArn = new Map<string, ExecutionRecord>();

  add(record: ExecutionRecord): void {
    this.#byArn.set(record.executionArn, record);
  }

  readonly service: Service = {
    DescribeExecution: ({ executionArn }: { executionArn: string }) => {
      const found = this.#byArn.get(executionArn);
      if (!found) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
      const { startedAtMs, ...rest } = found;
      return { ...rest, startDate: startedAtMs / 1000 };
    },
  };
}
