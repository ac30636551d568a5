/** The state that runs in a container what is no work for a function, and waits for its end. */
import type { Duration } from 'aws-cdk-lib';
import { EnvName, StateName } from '../core/workflow/state-name.ts';
import { TASK_CONTAINER, TASK_START_SECONDS } from '../core/workflow/task-container.ts';
import { TASK_RETRIES } from './workflow-retry.ts';
import type { AslState } from './workflow-task.ts';

export interface LongRunningState {
  readonly clusterArn: string;
  readonly taskDefinitionArn: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  /** Of one task, without its start. */
  readonly timeout: Duration;
}

/**
 * However the task ends, Migrate is next: it reads in the ledger what happened, and decides. The state's own error
 * (which names no reason, only that the container ended) goes along for the case that the ledger knows nothing.
 */
export const migrateInTaskState = (props: LongRunningState, partition: string): AslState => ({
  Type: 'Task',
  Comment: 'Runs in a container what is no work for a function. However it ends, Migrate says how it went.',
  Resource: `arn:${partition}:states:::ecs:runTask.sync`,
  Parameters: {
    LaunchType: 'FARGATE',
    Cluster: props.clusterArn,
    TaskDefinition: props.taskDefinitionArn,
    NetworkConfiguration: {
      AwsvpcConfiguration: {
        Subnets: props.subnetIds,
        SecurityGroups: props.securityGroupIds,
        AssignPublicIp: 'DISABLED',
      },
    },
    Overrides: {
      ContainerOverrides: [
        {
          Name: TASK_CONTAINER,
          Environment: [{ Name: EnvName.taskInput, 'Value.$': 'States.JsonToString($.progress.task)' }],
        },
      ],
    },
  },
  ResultPath: null,
  // The task's own limit comes first, so that its error is the one that is seen.
  TimeoutSeconds: props.timeout.toSeconds() + TASK_START_SECONDS,
  Retry: TASK_RETRIES,
  Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.progress.taskError', Next: StateName.Migrate }],
  Next: StateName.Migrate,
});
