/**
 * Logs, metrics and traces of the functions, one of each per process.
 *
 * Invariants: no event, response or error object is logged or traced whole, because a cause may carry
 * PostgreSQL's DETAIL with row data: of an error, only the fields that LockstepError promises to keep clean.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';
import type { LockstepError } from '../../lib/core/errors/index.ts';
import { EnvName, METRIC_DIMENSION, METRIC_NAMESPACE } from '../../lib/core/workflow/index.ts';

const SERVICE = 'lockstep';

export { MetricUnit };
export const logger = new Logger({ serviceName: SERVICE });

export const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName: SERVICE });

export function publishMetrics(): void {
  // It warns when there is nothing to publish.
  if (!metrics.hasStoredMetrics()) return;
  // One dimension and no more: Powertools adds the service, and an alarm has to name all that there are.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions({ [METRIC_DIMENSION]: process.env[EnvName.target] ?? 'unknown' });
  metrics.publishStoredMetrics();
}

/** Marks a failed segment as failed, without the error's text. */
class DiscreetTracer extends Tracer {
  override addErrorAsMetadata(): void {
    this.getSegment()?.addErrorFlag();
  }
}
/** Calls of AWS services are captured client by client; patching all of HTTP would record each of them twice. */
export const tracer = new DiscreetTracer({ serviceName: SERVICE, captureHTTPsRequests: false });

export function errorFields(error: LockstepError) {
  const { name, code, what, state, remedy, position, context, cause } = error;
  // Of an error that nobody foresaw, where it was thrown is all there is to go by.
  const thrownAt = code === 'LS901' && cause instanceof Error ? cause.stack : undefined;
  return { error: { ...context, name, code, what, state, remedy, position, thrownAt } };
}
