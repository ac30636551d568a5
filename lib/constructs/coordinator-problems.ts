/** What is wrong with the properties of a coordinator, and with what they come to. */
import { Duration, Token } from 'aws-cdk-lib';
import type { MigrationCoordinatorProps } from './coordinator-props.ts';
import type { CoordinatorSettings } from './coordinator-settings.ts';
import type { ResolvedDatabase } from './database.ts';
import { prefixRule } from './object-prefix.ts';
import { publishedBundlesProblems } from './published-bundles.ts';
import { restorePointProblems } from './restore-points.ts';
import { runnerProblems } from './runner.ts';

/** Longer waits could use up the 25,000 events that an execution's history may have. */
export const LONGEST_LEASE_WAIT = Duration.hours(4);
export const LONGEST_RUN = Duration.hours(24);
export const LAMBDA_LIMIT = Duration.minutes(15);
/** It becomes a tag of snapshots, which allows these characters, and the name of a metric's dimension. */
const TARGET = /^[\w .:/=+@-]{1,200}$/;

/** In sentences; empty if nothing is. */
export function problemsOf(
  settings: CoordinatorSettings,
  props: MigrationCoordinatorProps,
  database: ResolvedDatabase,
): string[] {
  const { target } = settings;
  const { reconcileEvery, afterRollOut } = props;
  const rules: readonly (readonly [boolean, string])[] = [
    [
      !Token.isUnresolved(target) && !TARGET.test(target),
      'target has characters that a tag cannot have, or is longer than 200.',
    ],
    ...restorePointProblems(props.restorePoint, database),
    ...runnerProblems(props),
    ...publishedBundlesProblems(props.bundles),
    prefixRule('reports.prefix', props.reports?.prefix ?? ''),
    [
      outside(settings.leaseDuration, Duration.seconds(10), Duration.minutes(15)),
      'leaseDuration is not between 10 seconds and 15 minutes.',
    ],
    [
      outside(settings.leaseWait, Duration.seconds(1), LONGEST_LEASE_WAIT),
      'leaseWait is not between 1 second and 4 hours.',
    ],
    [
      outside(settings.migrateTimeout, Duration.seconds(30), LAMBDA_LIMIT),
      'migrateTimeout is not between 30 seconds and 15 minutes.',
    ],
    [
      outside(settings.runTimeout, settings.leaseWait, LONGEST_RUN),
      'runTimeout is not between leaseWait and 24 hours.',
    ],
    [
      reconcileEvery !== undefined && reconcileEvery.toMilliseconds() < 60_000,
      'reconcileEvery is less than 1 minute.',
    ],
    [
      settings.approval !== undefined &&
        outside(settings.approval.timeout, Duration.seconds(1), settings.runTimeout),
      'approval.timeout is not between 1 second and runTimeout.',
    ],
    [
      settings.rehearsal === 'required' && afterRollOut !== undefined && afterRollOut.contract !== false,
      "rehearsal: 'required' would stop each contract run after a roll-out, which has no rehearsal: write contract: false.",
    ],
    [
      settings.rehearsalBudget !== undefined && !(database.snapshotSource && database.usesSecret),
      'Copies for a rehearsal are made of RDS and Aurora only, and logged in to with a secret.',
    ],
    [
      settings.taskTimeout !== undefined &&
        outside(settings.taskTimeout, Duration.minutes(1), settings.runTimeout),
      'timeout of longRunning or runner is not between 1 minute and runTimeout.',
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}

const outside = (value: Duration, least: Duration, most: Duration): boolean =>
  value.toMilliseconds() < least.toMilliseconds() || value.toMilliseconds() > most.toMilliseconds();
