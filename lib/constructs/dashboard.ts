/** One page for the person on call: did runs end well, how long did they take, who waited, what failed. */
import {
  Dashboard,
  GraphWidget,
  LogQueryWidget,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { CoordinatorMetrics } from './metrics.ts';
import { LATEST_ERRORS } from './queries.ts';

export interface CoordinatorDashboardProps {
  readonly target: string;
  readonly runbook: string;
  readonly metrics: CoordinatorMetrics;
  readonly logs: readonly ILogGroup[];
}

const FULL_WIDTH = 24;
const HALF_WIDTH = 12;
const THIRD_WIDTH = 8;

export function coordinatorDashboard(
  scope: Construct,
  id: string,
  props: CoordinatorDashboardProps,
): Dashboard {
  const { metrics } = props;
  return new Dashboard(scope, id, {
    widgets: [
      [
        new TextWidget({
          width: FULL_WIDTH,
          height: 2,
          markdown: `# Lockstep: ${props.target}\nWhat to do when something is red: ${props.runbook}`,
        }),
      ],
      [
        new SingleValueWidget({
          width: FULL_WIDTH,
          title: 'Runs and migrations in this period',
          setPeriodToTimeRange: true,
          metrics: [
            metrics.succeeded(),
            metrics.failed(),
            metrics.timedOut(),
            metrics.aborted(),
            metrics.applied(),
            metrics.reverted(),
          ],
        }),
      ],
      [
        new GraphWidget({
          width: HALF_WIDTH,
          title: 'Duration of runs (ms)',
          left: [metrics.duration({ statistic: 'Maximum' })],
        }),
        new GraphWidget({
          width: HALF_WIDTH,
          title: 'Seconds waited for the lease and for restore points',
          left: [metrics.leaseWait(), metrics.restorePointWait()],
        }),
      ],
      [
        new GraphWidget({
          width: THIRD_WIDTH,
          title: 'Others waited for migrations (ms)',
          left: [metrics.blocked()],
        }),
        new GraphWidget({
          width: THIRD_WIDTH,
          title: 'How far back-fills are (%)',
          left: [metrics.backfillPercent()],
          leftYAxis: { min: 0, max: 100 },
        }),
        new GraphWidget({
          width: THIRD_WIDTH,
          title: 'Runs with nothing to do (%)',
          left: [metrics.nothingToDo()],
          leftYAxis: { min: 0, max: 100 },
        }),
      ],
      [
        new GraphWidget({
          width: HALF_WIDTH,
          title: 'Duration of functions (ms)',
          left: metrics.functionDurations(),
        }),
        new GraphWidget({
          width: HALF_WIDTH,
          title: 'Function errors and throttles',
          left: [metrics.functionErrors(), metrics.functionThrottles(), metrics.cleanUpDeadLetters()],
        }),
      ],
      [
        new LogQueryWidget({
          width: FULL_WIDTH,
          title: 'Latest errors',
          logGroupNames: props.logs.map(({ logGroupName }) => logGroupName),
          queryLines: [...LATEST_ERRORS],
        }),
      ],
    ],
  });
}
