/** The states that keep the report of a run, before its signal, which names it. */
import type { Duration } from 'aws-cdk-lib';
import { StateName } from '../core/workflow/state-name.ts';
import { goOnTo } from './workflow-shared.ts';
import { type TaskProps, taskStates } from './workflow-task.ts';

export interface ReportState {
  readonly functionArn: string;
  readonly timeout: Duration;
}

export const reportStates = (
  { functionArn, timeout }: ReportState,
  { partition, eventBusName }: Pick<TaskProps, 'partition' | 'eventBusName'>,
  rollOut: StateName,
) => {
  const { invoke } = taskStates<'keep-report'>({
    functionArns: { 'keep-report': functionArn },
    functionTimeouts: { 'keep-report': timeout },
    partition,
    eventBusName,
  });
  const keep = (next: StateName) =>
    invoke('keep-report', {
      comment:
        'Writes the report of the run to S3 and its place into the verdict. If that fails, the run goes on.',
      parameters: { 'verdict.$': '$.verdict' },
      resultPath: '$.verdict',
      next,
      catchers: [goOnTo(next)],
    });
  return {
    [StateName.KeepReport]: keep(rollOut),
    [StateName.KeepReportOfFailure]: keep(StateName.SignalRollBack),
  };
};
