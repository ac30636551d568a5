/** Questions to the functions' logs, saved in CloudWatch Logs Insights (_Saved queries_, in a folder of the target's name). */
import { CfnQueryDefinition, type ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** The lines of a query. */
type Query = readonly string[];

export const LATEST_ERRORS: Query = [
  'fields @timestamp, run, error.code, error.what, error.state, error.remedy',
  'filter level = "ERROR"',
  'sort @timestamp desc',
  'limit 20',
];

/** By the names that people see. The fields are those that functions/_runtime writes; a test holds the two together. */
export const QUERIES: Readonly<Record<string, Query>> = {
  'Latest errors': LATEST_ERRORS,
  'One run': [
    'fields @timestamp, message, migration, step, token, durationMs, error.what',
    'filter run = "PUT ITS NAME HERE"',
    'sort @timestamp asc',
    'limit 1000',
  ],
  'Slowest migrations': [
    'filter message = "migration-done"',
    'stats max(durationMs) as slowestMs, latest(run) as lastRun by migration, direction',
    'sort slowestMs desc',
    'limit 50',
  ],
  'Who waited for whom': [
    'fields @timestamp, run, migration, message, blockers.0.pid, blockers.0.applicationName, waitedMs, sessions, longestMs',
    'filter message in ["waiting-for-locks", "lock-retry", "blocked", "blocking"]',
    'sort @timestamp desc',
    'limit 200',
  ],
};

export interface LogQueriesProps {
  readonly target: string;
  readonly logs: readonly ILogGroup[];
}

export class LogQueries extends Construct {
  constructor(scope: Construct, id: string, { target, logs }: LogQueriesProps) {
    super(scope, id);
    for (const [name, lines] of Object.entries(QUERIES)) {
      new CfnQueryDefinition(this, name.replaceAll(' ', ''), {
        name: `Lockstep/${target}/${name}`,
        queryString: lines.join('\n| '),
        logGroupNames: logs.map(({ logGroupName }) => logGroupName),
      });
    }
  }
}
