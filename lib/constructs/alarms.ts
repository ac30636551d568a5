/**
 * Alarms as data: what is watched, when somebody should know, and where the runbook says what to do. Missing data
 * is good news everywhere: nothing ran.
 */
import type { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { CoordinatorMetrics } from './metrics.ts';
import { RunbookSection } from './runbook.ts';

export interface CoordinatorAlarmsProps {
  readonly target: string;
  readonly metrics: CoordinatorMetrics;
  readonly runTimeout: Duration;
  readonly leaseWait: Duration;
  readonly runbook: string;
  readonly topic: ITopic | undefined;
}

interface AlarmSpec {
  readonly metric: IMetric;
  /** The alarm goes off when the metric reaches it. */
  readonly threshold: number;
  readonly what: string;
  readonly section: RunbookSection;
}

/** Errors that a retry mends come alone; this many in one period do not. */
const MANY_FUNCTION_ERRORS = 3;

export class CoordinatorAlarms extends Construct {
  constructor(scope: Construct, id: string, props: CoordinatorAlarmsProps) {
    super(scope, id);
    for (const [alarmId, spec] of Object.entries(specs(props))) createAlarm(this, alarmId, spec, props);
  }
}

/** Of the section's page, for the topic, if there is one. */
export type AlarmSurroundings = Pick<CoordinatorAlarmsProps, 'target' | 'runbook' | 'topic'>;

export function createAlarm(
  scope: Construct,
  id: string,
  { metric, threshold, what, section }: AlarmSpec,
  { target, runbook, topic }: AlarmSurroundings,
): void {
  const alarm = new Alarm(scope, id, {
    metric,
    threshold,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: `Lockstep, ${target}: ${what} What to do: ${runbook}#${section}`,
  });
  if (topic) alarm.addAlarmAction(new SnsAction(topic));
}

const specs = ({
  metrics,
  runTimeout,
  leaseWait,
}: CoordinatorAlarmsProps): Readonly<Record<string, AlarmSpec>> => ({
  RunFailed: {
    metric: metrics.failed(),
    threshold: 1,
    what: 'a run failed; the new version must not roll out.',
    section: RunbookSection.runFailed,
  },
  RunTimedOut: {
    metric: metrics.timedOut(),
    threshold: 1,
    what: 'a run was ended because its time was up.',
    section: RunbookSection.runTimedOut,
  },
  RunAborted: {
    metric: metrics.aborted(),
    threshold: 1,
    what: 'somebody stopped a run.',
    section: RunbookSection.runAborted,
  },
  RunLong: {
    metric: metrics.duration({ statistic: 'Maximum' }),
    threshold: runTimeout.toMilliseconds() / 2,
    what: 'a run took more than half of the time it is allowed.',
    section: RunbookSection.runLong,
  },
  LeaseWait: {
    metric: metrics.leaseWait(),
    threshold: leaseWait.toSeconds() / 2,
    what: 'a run waited for the lease for more than half of the time it is allowed.',
    section: RunbookSection.leaseWait,
  },
  FunctionErrors: {
    metric: metrics.functionErrors(),
    threshold: MANY_FUNCTION_ERRORS,
    what: 'functions failed repeatedly.',
    section: RunbookSection.functionErrors,
  },
  FunctionThrottles: {
    metric: metrics.functionThrottles(),
    threshold: 1,
    what: 'functions are throttled: the account has no concurrency left.',
    section: RunbookSection.functionThrottles,
  },
  CleanUpFailed: {
    metric: metrics.cleanUpDeadLetters(),
    threshold: 1,
    what: 'the clean-up after a stopped run failed; the next run does its work.',
    section: RunbookSection.cleanUpFailed,
  },
});
