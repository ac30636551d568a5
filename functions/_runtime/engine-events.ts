/** What the engine tells: as log lines, as metrics, and as parts of the trace. */
import { Metric } from '../../lib/core/workflow/index.ts';
import type { EngineEvent, Observer } from '../../lib/engine/index.ts';
import type { Invocation } from './handler.ts';
import { errorFields, logger, MetricUnit, publishMetrics } from './observability.ts';

export const engineEvents =
  ({ log, metrics, trace }: Pick<Invocation, 'log' | 'metrics' | 'trace'>): Observer =>
  (event) => {
    trace.see(event);
    measure(event, metrics);
    if (event.kind === 'attempt-begun') logger.appendKeys({ token: event.token });
    if ('error' in event) log.warn(event.kind, errorFields(event.error));
    else log.info(event.kind, event);
  };

function measure(event: EngineEvent, metrics: Invocation['metrics']): void {
  if (event.kind === 'blocking') {
    metrics.addMetric(Metric.blockedMilliseconds, MetricUnit.Milliseconds, event.longestMs);
    publishMetrics();
  }
  if (event.kind === 'backfill-progress' && event.share !== null) {
    metrics.addMetric(Metric.backfillPercent, MetricUnit.Percent, Math.round(100 * event.share));
    // Not at the end of the invocation, when nobody has a use for it any more.
    publishMetrics();
  }
}
