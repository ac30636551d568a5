/** Alarms, dashboard and metrics. That each alarm has its section in the runbook, test/docs/runbook.test.ts checks. */
import { Duration } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { QUERIES } from '../../lib/constructs/queries.ts';
import { FUNCTION_NAMES } from '../../lib/core/workflow/index.ts';
import { auroraStack, coordinatorStack, inIsolatedSubnets, SYNTHESIS_MS, TARGET } from './stacks.ts';
import { printed } from './statements.ts';

let template: Template;
beforeAll(() => {
  template = auroraStack().template;
}, SYNTHESIS_MS);

describe('alarms', () => {
  const THRESHOLDS: Readonly<Record<string, readonly [metric: string, threshold: number]>> = {
    RunFailed: ['ExecutionsFailed Sum', 1],
    RunTimedOut: ['ExecutionsTimedOut Sum', 1],
    RunAborted: ['ExecutionsAborted Sum', 1],
    RunLong: ['ExecutionTime Maximum', 3 * 3_600_000],
    LeaseWait: ['LeaseWaitSeconds Maximum', 15 * 60],
    FunctionErrors: ['Errors of 7 functions', 3],
    FunctionThrottles: ['Throttles of 7 functions', 1],
    CleanUpFailed: ['ApproximateNumberOfMessagesVisible Maximum', 1],
  };

  interface Alarm {
    readonly MetricName?: string;
    readonly Statistic?: string;
    readonly Metrics?: { readonly MetricStat?: { readonly Metric: { readonly MetricName: string } } }[];
    readonly Threshold: number;
  }

  function watched({ MetricName, Statistic, Metrics = [] }: Alarm): string {
    const stats = Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []);
    return MetricName ? `${MetricName} ${Statistic}` : `${[...new Set(stats)]} of ${stats.length} functions`;
  }

  const alarmsOf = (from: Template) =>
    Object.entries(from.findResources('AWS::CloudWatch::Alarm')).map(([id, { Properties }]) => ({
      name: id.replace(/^CoordinatorAlarms|[0-9A-F]{8}$/g, ''),
      properties: Properties,
    }));

  test('watch runs, the lease, the functions and the clean-up, each with its threshold', () => {
    const found = alarmsOf(template).map(({ name, properties }) => [
      name,
      [watched(properties), properties.Threshold],
    ]);
    expect(Object.fromEntries(found)).toEqual(THRESHOLDS);
  });

  test('take silence for good news and tell nobody, unless there is a topic', () => {
    for (const { properties } of alarmsOf(template)) {
      expect(properties).toMatchObject({
        TreatMissingData: 'notBreaching',
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      });
      expect(properties.AlarmActions).toBeUndefined();
    }
  });

  test('notify the topic, link to the runbook of the team, and go by the times that were given', () => {
    const given = coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      alarmTopic: new Topic(stack, 'Topic'),
      runbookUrl: 'https://wiki.example.com/lockstep',
      runTimeout: Duration.hours(2),
      leaseWait: Duration.minutes(10),
    })).template;
    const alarms = alarmsOf(given);
    for (const { properties } of alarms) {
      expect(printed(properties.AlarmActions)).toBe('<Topic>');
      expect(properties.AlarmDescription).toMatch(/ https:\/\/wiki\.example\.com\/lockstep#alarm-[a-z-]+$/);
    }
    const thresholds = Object.fromEntries(alarms.map(({ name, properties }) => [name, properties.Threshold]));
    expect(thresholds).toMatchObject({ RunLong: 3_600_000, LeaseWait: 300 });
  });
});

describe('the dashboard', () => {
  test('shows how runs ended and how long they took, who waited, what failed, and where to read on', () => {
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    const body = JSON.parse(printed(dashboard?.Properties.DashboardBody)) as {
      readonly widgets: { readonly properties: Record<string, unknown> }[];
    };
    const text = JSON.stringify(body);
    for (const metric of [
      'ExecutionsSucceeded',
      'ExecutionsFailed',
      'ExecutionsTimedOut',
      'ExecutionsAborted',
      'ExecutionTime',
      'MigrationsApplied',
      'MigrationsReverted',
      'LeaseWaitSeconds',
      'BlockedMilliseconds',
      'BackfillPercent',
      'PlansWithNothingToDo',
      'RestorePointWaitSeconds',
      'Duration',
      'Errors',
      'Throttles',
      'ApproximateNumberOfMessagesVisible',
    ]) {
      expect(text).toContain(`"${metric}"`);
    }
    expect(body.widgets[0]?.properties.markdown).toContain('docs/runbook.md');
    expect(text.match(/SOURCE '<\w+Logs>'/g)).toHaveLength(FUNCTION_NAMES.length);
  });
});

test('the saved queries go to the log groups of all functions, in a folder of the target', () => {
  const found = Object.values(template.findResources('AWS::Logs::QueryDefinition'));
  expect(found.map(({ Properties }) => Properties.Name)).toEqual(
    Object.keys(QUERIES).map((name) => `Lockstep/${TARGET}/${name}`),
  );
  for (const { Properties } of found) {
    expect(Properties.LogGroupNames).toHaveLength(FUNCTION_NAMES.length);
    expect(Properties.QueryString).toMatch(/^(fields|filter) [\s\S]*\n\| limit \d+$/);
  }
});

describe('metrics for own alarms', () => {
  test.each([
    ['metricSucceeded', 'AWS/States', 'ExecutionsSucceeded'],
    ['metricFailed', 'AWS/States', 'ExecutionsFailed'],
    ['metricTimedOut', 'AWS/States', 'ExecutionsTimedOut'],
    ['metricAborted', 'AWS/States', 'ExecutionsAborted'],
    ['metricDuration', 'AWS/States', 'ExecutionTime'],
    ['metricLeaseWait', 'Lockstep', 'LeaseWaitSeconds'],
    ['metricApplied', 'Lockstep', 'MigrationsApplied'],
  ] as const)('%s', (method, namespace, metricName) => {
    const { coordinator } = auroraStack();
    const metric = coordinator[method]({ period: Duration.hours(1) });
    expect(metric).toMatchObject({ namespace, metricName });
    expect(metric.period.toHours()).toBe(1);
  });
});
