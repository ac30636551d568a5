import type { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { MigrationCoordinatorProps } from './coordinator-props.ts';
import type { FargateTask } from './fargate-task.ts';
import { LongRunning, type LongRunningProps } from './long-running.ts';
import { Runner } from './runner.ts';

type Shared = Omit<LongRunningProps, 'options' | 'timeout' | 'migrations'> & {
  /** Undefined without a task. */
  readonly taskTimeout: Duration | undefined;
};

/** What runs in no function: long work, or another migrator. */
export function coordinatorTask(
  scope: Construct,
  { longRunning, runner, migrations }: MigrationCoordinatorProps,
  { taskTimeout: timeout, ...shared }: Shared,
): FargateTask | undefined {
  if (timeout === undefined) return undefined;
  if (runner) return new Runner(scope, 'Runner', { ...shared, timeout, options: runner });
  return longRunning && migrations !== undefined
    ? new LongRunning(scope, 'LongRunning', { ...shared, timeout, options: longRunning, migrations })
    : undefined;
}
