/**
 * Acquire lease: one look, without waiting inside the function; the workflow waits between two of them. The
 * holder is the execution. Another execution that is no longer running is not waited for.
 */
import { SFNClient } from '@aws-sdk/client-sfn';
import { executionState } from '../lib/adapters/stepfunctions/index.ts';
import { stepWorkflowAcquire } from '../lib/core/lease/index.ts';
import { acquireLeaseInputSchema, leaseProgressSchema, Metric } from '../lib/core/workflow/index.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { handlerFor, type Invocation } from './_runtime/handler.ts';
import { leaseStore } from './_runtime/lease.ts';
import { MetricUnit } from './_runtime/observability.ts';
import { readSettings } from './_runtime/settings.ts';

const stepFunctions = awsClient((limits) => new SFNClient(limits));

export const handler = handlerFor({
  name: 'acquire-lease',
  input: acquireLeaseInputSchema,
  output: leaseProgressSchema,
  runId: ({ run }) => run.id,
  async run({ run, lease: previous }, { log, metrics }) {
    const { target, leaseTable, ...seconds } = readSettings([
      'target',
      'leaseTable',
      'leaseDurationSeconds',
      'leaseWaitSeconds',
    ]);
    const store = leaseStore(leaseTable);
    const durationMs = seconds.leaseDurationSeconds * 1000;
    const observe = (waitedSeconds: number) =>
      metrics.addMetric(Metric.leaseWaitSeconds, MetricUnit.Seconds, waitedSeconds);

    const next = await stepWorkflowAcquire({
      target,
      previous,
      maxWaitSeconds: seconds.leaseWaitSeconds,
      tryAcquire: async (takeOver) => {
        const result = await store.tryAcquire({ target, holder: run.execution, durationMs, takeOver });
        if (result.kind === 'acquired' && result.tookOverFrom)
          log.warn('lease taken over', { from: result.tookOverFrom });
        return result;
      },
      holderIsGone: (holder) => isGone(holder, log),
    }).catch((error: unknown) => {
      observe(previous.waitedSeconds + previous.waitSeconds);
      throw error;
    });
    if (next.acquired) observe(next.waitedSeconds);
    else log.info('the lease is held by another', { heldBy: next.heldBy, waitSeconds: next.waitSeconds });
    return next;
  },
});

async function isGone(holder: string, log: Invocation['log']): Promise<boolean> {
  const state = await executionState(stepFunctions(), holder);
  if (state.kind === 'unknown')
    log.info('whether the holder is still there is not known', { holder, reason: state.reason });
  return state.kind === 'ended';
}
