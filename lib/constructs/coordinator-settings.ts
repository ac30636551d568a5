/** What the functions, the workflow and the alarms are made of: the properties of a coordinator, checked and whole. */
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { ApprovalPolicy } from '../core/approval/policy.ts';
import type { OutOfOrderPolicy } from '../core/plan/out-of-order.ts';
import type { Budget } from '../core/rehearsal/document.ts';
import type { RehearsalPolicy } from '../core/rehearsal/policy.ts';
import { LAMBDA_LIMIT, problemsOf } from './coordinator-problems.ts';
import type { MigrationCoordinatorProps } from './coordinator-props.ts';
import type { ResolvedDatabase } from './database.ts';
import { refuse } from './refuse.ts';
import { budgetOf } from './rehearsals.ts';
import { type RestorePointSettings, restorePointSettings } from './restore-points.ts';

/** The properties with every default filled in. */
export interface CoordinatorSettings {
  readonly target: string;
  /** Undefined: none are taken. */
  readonly restorePoints: RestorePointSettings | undefined;
  readonly rollBackPolicy: 'down' | 'code-only';
  readonly outOfOrder: OutOfOrderPolicy;
  readonly leaseDuration: Duration;
  readonly leaseWait: Duration;
  readonly migrateTimeout: Duration;
  readonly runTimeout: Duration;
  readonly approval: ApprovalSettings | undefined;
  readonly rehearsal: RehearsalPolicy | undefined;
  /** Where the coordinator rehearses itself. */
  readonly rehearsalBudget: Budget | undefined;
  /** Of a task; undefined without tasks. */
  readonly taskTimeout: Duration | undefined;
}

export interface ApprovalSettings {
  readonly when: ApprovalPolicy;
  readonly topicArn: string;
  readonly timeout: Duration;
}

/** Ends the synthesis with all that is wrong at once. */
export function settingsOf(
  scope: Construct,
  props: MigrationCoordinatorProps,
  database: ResolvedDatabase,
): CoordinatorSettings {
  const runTimeout = props.runTimeout ?? Duration.hours(6);
  const task = props.longRunning ?? props.runner;
  const settings = {
    target: props.target ?? scope.node.path,
    restorePoints: restorePointSettings(
      props.restorePoint ?? (props.runner && { method: 'point-in-time' }),
      database,
    ),
    rollBackPolicy: props.rollBackPolicy ?? 'down',
    outOfOrder: props.outOfOrder ?? 'refuse',
    leaseDuration: props.leaseDuration ?? Duration.minutes(1),
    leaseWait: props.leaseWait ?? Duration.minutes(30),
    migrateTimeout: props.migrateTimeout ?? LAMBDA_LIMIT,
    runTimeout,
    approval: props.approval && {
      when: props.approval.when,
      topicArn: props.approval.topic.topicArn,
      timeout: props.approval.timeout ?? partOf(runTimeout, 1 / 3),
    },
    rehearsal: props.rehearsal === 'required' ? 'required' : undefined,
    rehearsalBudget: budgetOf(props.rehearsal),
    taskTimeout: task && (task.timeout ?? partOf(runTimeout, 2 / 3)),
  } as const;
  const problems = problemsOf(settings, props, database);
  if (problems.length > 0) refuse(scope, problems.join(' '));
  return settings;
}

const partOf = (all: Duration, part: number): Duration =>
  Duration.seconds(Math.floor(all.toSeconds() * part));
