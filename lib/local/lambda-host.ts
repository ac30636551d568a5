/**
 * One execution environment of AWS Lambda: a process of its own that loads handlers when they are first called,
 * takes one event at a time over IPC, and ends with its parent.
 */
import { enableCompileCache, flushCompileCache } from 'node:module';
import type { Context } from 'aws-lambda';

export interface Invocation {
  readonly module: string;
  readonly functionName: string;
  readonly requestId: string;
  readonly timeoutMs: number;
  readonly event: unknown;
}

export type InvocationResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string };

/** Of functions that are loaded. */
const known = new Set<string>();

// Functions are loaded from their sources, which takes as long again to compile.
enableCompileCache();

process.on('message', async (invocation: Invocation) => {
  process.send?.(await run(invocation));
  if (known.has(invocation.module)) return;
  known.add(invocation.module);
  // Not at the end of the process, because that is killed.
  flushCompileCache();
});
process.on('disconnect', () => process.exit());

async function run(invocation: Invocation): Promise<InvocationResult> {
  try {
    const { handler } = await import(invocation.module);
    const value = await handler(invocation.event, contextOf(invocation, performance.now()));
    return { ok: true, value: value ?? null };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { ok: false, errorType: name, errorMessage: message };
  }
}

function contextOf({ functionName, requestId, timeoutMs }: Invocation, startedMs: number): Context {
  const notCalled = () => undefined;
  return {
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionName,
    awsRequestId: requestId,
    memoryLimitInMB: '512',
    logGroupName: functionName,
    logStreamName: String(process.pid),
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, timeoutMs - (performance.now() - startedMs)),
    done: notCalled,
    fail: notCalled,
    succeed: notCalled,
  };
}
