/**
 * The one middleware stack: every function is `handlerFor({...})` and nothing else.
 *
 *   log context → trace → metrics → input parsed → run → output parsed
 *
 * Invariants
 * - A handler gets typed input and gives typed output; keys that the schema does not know are dropped.
 * - What leaves as an error is a LockstepError, whose `name` is what Retry and Catch compare with, and it
 *   leaves without its cause.
 * - Before Lambda kills the process, the signal aborts and the handler has GRACE_MS to cancel its SQL and
 *   end its session; a frozen process that holds a session would keep others waiting.
 *
 * What can fail: LS102 for an input that is not understood, LS605 when time is up, and what `run` throws.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { asLockstepError, LockstepError, NOTHING_CHANGED } from '../../lib/core/errors/index.ts';
import type { AnyFunctionName } from '../../lib/core/workflow/index.ts';
import { errorFields, logger, metrics, publishMetrics, tracer } from './observability.ts';
import { RevisionTrace } from './revision-trace.ts';

const GRACE_MS = 3_000;
/** The rest is for the reply. */
const ABORT_BEFORE_END_MS = GRACE_MS + 1_000;

export interface Invocation {
  readonly log: Pick<typeof logger, 'info' | 'warn' | 'error'>;
  readonly metrics: Pick<Metrics, 'addMetric'>;
  /** Told what the engine does; ended here. */
  readonly trace: RevisionTrace;
  /** Aborts shortly before the function is killed. */
  readonly signal: AbortSignal;
  /** Until the signal aborts. */
  readonly timeLeftMs: () => number;
}

export interface Task<Input, Output> {
  readonly name: AnyFunctionName;
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Output>;
  /** For the log. */
  readonly runId: (input: Input) => string;
  readonly run: (input: Input, invocation: Invocation) => Promise<NoInfer<Output>>;
}

export type TaskHandler<Output> = (event: unknown, context: Context) => Promise<Output>;

export function handlerFor<Input, Output>(task: Task<Input, Output>): TaskHandler<Output> {
  const stack = middy<unknown, Output>({
    timeoutEarlyInMillis: ABORT_BEFORE_END_MS,
    timeoutEarlyResponse: () => graceIsOver(task.name),
  })
    .use(injectLambdaContext(logger, { logEvent: false, resetKeys: true }))
    .use(captureLambdaHandler(tracer, { captureResponse: false }))
    .use({ after: publishMetrics, onError: publishMetrics })
    .handler(async (event: unknown, context: Context, { signal }: { signal: AbortSignal }) =>
      perform(task, event, {
        signal,
        log: logger,
        metrics,
        trace: new RevisionTrace(() => tracer.getSegment()),
        timeLeftMs: () => timeLeftMs(context),
      }),
    );
  return stack as unknown as TaskHandler<Output>;
}

async function perform<Input, Output>(
  { name, input, output, runId, run }: Task<Input, Output>,
  event: unknown,
  invocation: Invocation,
): Promise<Output> {
  try {
    const parsed = input.safeParse(event);
    if (!parsed.success) throw notUnderstood(name, parsed.error);
    const id = runId(parsed.data);
    logger.appendKeys({ run: id });
    tracer.putAnnotation('run', id);
    const result = output.parse(await run(parsed.data, invocation));
    invocation.trace.end('done');
    return result;
  } catch (thrown) {
    const error = asLockstepError(thrown);
    invocation.trace.end('failed');
    logger.error(`${name} ended with ${error.code}`, errorFields(error));
    throw withoutCause(error);
  }
}

/** While it lasts, the handler may still end by itself: with its own error, which says more, or with success. */
async function graceIsOver(name: AnyFunctionName): Promise<never> {
  await delay(GRACE_MS, undefined, { ref: false });
  throw new LockstepError('LS605', {
    what: `The function ${name} was stopped because its time was up.`,
    state: 'Migrations are applied whole or not at all; the ledger tells which are.',
    remedy: 'Start the run again.',
  });
}

const timeLeftMs = (context: Context): number =>
  Math.max(0, context.getRemainingTimeInMillis() - ABORT_BEFORE_END_MS);

const notUnderstood = (name: AnyFunctionName, error: z.ZodError) =>
  new LockstepError('LS102', {
    what: `The input of ${name} is not understood: ${z.prettifyError(error).replaceAll('\n', ' ')}.`,
    state: NOTHING_CHANGED,
    remedy:
      'Start the workflow with {} as input; toRevision, phase, forceContract, reason, dryRun and bundle are optional.',
  });

/** The runtime and whoever else prints it would print the cause, too. */
function withoutCause(error: LockstepError): LockstepError {
  const { what, state, remedy, position, context } = error;
  const clean = new LockstepError(error.code, { what, state, remedy, position, context });
  if (error.stack !== undefined) clean.stack = error.stack;
  return clean;
}
