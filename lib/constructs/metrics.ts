/** The metrics that alarms, the dashboard and `coordinator.metricXxx()` show: one definition of each. */
import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { METRIC_DIMENSION, METRIC_NAMESPACE, Metric as OwnMetric } from '../core/workflow/metric-name.ts';

export interface CoordinatorMetricsProps {
  readonly target: string;
  readonly stateMachine: StateMachine;
  readonly functions: readonly LambdaFunction[];
  readonly deadLetters: IQueue;
}

export class CoordinatorMetrics {
  private readonly props: CoordinatorMetricsProps;

  constructor(props: CoordinatorMetricsProps) {
    this.props = props;
  }

  succeeded = (options?: MetricOptions): Metric => this.props.stateMachine.metricSucceeded(options);
  failed = (options?: MetricOptions): Metric => this.props.stateMachine.metricFailed(options);
  timedOut = (options?: MetricOptions): Metric => this.props.stateMachine.metricTimedOut(options);
  aborted = (options?: MetricOptions): Metric => this.props.stateMachine.metricAborted(options);
  /** Milliseconds from start to end. */
  duration = (options?: MetricOptions): Metric => this.props.stateMachine.metricTime(options);

  leaseWait = (options?: MetricOptions): Metric => this.own(OwnMetric.leaseWaitSeconds, 'Maximum', options);
  restorePointWait = (options?: MetricOptions): Metric =>
    this.own(OwnMetric.restorePointWaitSeconds, 'Maximum', options);
  /** Per cent of the plans. */
  nothingToDo = (): MathExpression =>
    new MathExpression({
      label: 'runs with nothing to do (%)',
      expression: '100 * idle',
      usingMetrics: { idle: this.own(OwnMetric.plansWithNothingToDo, 'Average') },
      period: Duration.hours(1),
    });
  /** Milliseconds that others waited for migrations. */
  blocked = (options?: MetricOptions): Metric => this.own(OwnMetric.blockedMilliseconds, 'Maximum', options);
  backfillPercent = (options?: MetricOptions): Metric =>
    this.own(OwnMetric.backfillPercent, 'Maximum', options);
  applied = (options?: MetricOptions): Metric => this.own(OwnMetric.migrationsApplied, 'Sum', options);
  reverted = (options?: MetricOptions): Metric => this.own(OwnMetric.migrationsReverted, 'Sum', options);

  functionErrors = (): MathExpression => this.sumOfFunctions('errors', (f) => f.metricErrors());
  functionThrottles = (): MathExpression => this.sumOfFunctions('throttles', (f) => f.metricThrottles());
  functionDurations = (): Metric[] =>
    this.props.functions.map((f) => f.metricDuration({ label: f.node.scope!.node.id, statistic: 'Maximum' }));
  cleanUpDeadLetters = (): Metric =>
    this.props.deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' });

  private own(metricName: string, statistic: string, options: MetricOptions = {}): Metric {
    return new Metric({
      namespace: METRIC_NAMESPACE,
      metricName,
      dimensionsMap: { [METRIC_DIMENSION]: this.props.target },
      statistic,
      ...options,
    });
  }

  private sumOfFunctions(what: string, metricOf: (f: LambdaFunction) => Metric): MathExpression {
    // `what` is in the ids, because two of these sums may share a graph.
    const usingMetrics = Object.fromEntries(this.props.functions.map((f, i) => [`${what}${i}`, metricOf(f)]));
    return new MathExpression({
      label: `function ${what}`,
      // Of an array, SUM leaves out what is missing; `a + b` would be missing as soon as one function was not called.
      expression: `SUM([${Object.keys(usingMetrics).join(', ')}])`,
      usingMetrics,
      period: Duration.minutes(15),
    });
  }
}
