import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';

export type ExecutionState =
  | { readonly kind: 'running' }
  | {
      readonly kind: 'ended';
      /** The name that its Fail state gave, or Step Functions; of one that FAILED only. */
      readonly error: string | undefined;
      /** These are undefined when it ended so long ago that its history is deleted. */
      readonly status: EndedStatus | undefined;
      readonly startedAtMs: number | undefined;
      /** JSON text. */
      readonly input: string | undefined;
    }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Of a STANDARD machine, in any partition; others, and `host:pid:uuid`, are no such ARN. */
const EXECUTION_ARN = /^arn:[\w-]+:states:[\w-]+:\d{12}:execution:[^:]+:[^:]+$/;
const ENDED = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
type EndedStatus = (typeof ENDED)[number];

/** `holder`: a lease's holder, which need not be an execution. */
export async function executionState(client: SFNClient, holder: string): Promise<ExecutionState> {
  if (!EXECUTION_ARN.test(holder)) return { kind: 'unknown', reason: 'the holder is no execution' };
  try {
    const found = await client.send(new DescribeExecutionCommand({ executionArn: holder }));
    const status = ENDED.find((ended) => ended === found.status);
    if (status === undefined) return { kind: 'running' };
    const { error, input, startDate } = found;
    return { kind: 'ended', error, status, startedAtMs: startDate?.getTime(), input };
  } catch (error) {
    const reason = error instanceof Error ? error.name : String(error);
    if (reason === 'ExecutionDoesNotExist')
      return { kind: 'ended', error: undefined, status: undefined, startedAtMs: undefined, input: undefined };
    return { kind: 'unknown', reason };
  }
}
