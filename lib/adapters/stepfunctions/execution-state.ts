import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';

export type ExecutionState =
  | { readonly kind: 'running' }
  /** `error`: the name that its Fail state gave, or Step Functions; of one that FAILED only. */
  | { readonly kind: 'ended'; readonly error: string | undefined }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Of a STANDARD machine, in any partition; others, and `host:pid:uuid`, are no such ARN. */
const EXECUTION_ARN = /^arn:[\w-]+:states:[\w-]+:\d{12}:execution:[^:]+:[^:]+$/;
const ENDED = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];

/** `holder`: a lease's holder, which need not be an execution. */
export async function executionState(client: SFNClient, holder: string): Promise<ExecutionState> {
  if (!EXECUTION_ARN.test(holder)) return { kind: 'unknown', reason: 'the holder is no execution' };
  try {
    const { status, error } = await client.send(new DescribeExecutionCommand({ executionArn: holder }));
    return status !== undefined && ENDED.includes(status) ? { kind: 'ended', error } : { kind: 'running' };
  } catch (error) {
    const reason = error instanceof Error ? error.name : String(error);
    // It ended so long ago that its history is deleted.
    if (reason === 'ExecutionDoesNotExist') return { kind: 'ended', error: undefined };
    return { kind: 'unknown', reason };
  }
}
