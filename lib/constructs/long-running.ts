/**
 * What runs migrations that are too long for a function: a Fargate task with the program and the migrations that the
 * functions have, in the same network, under a role that may log in and use the lease, and nothing else.
 *
 * The migrations are in the image, which is built when the app is deployed. The task compares their digest with that
 * of the plan before its first statement, so an image of another deployment is refused (LS615).
 */
import type { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { EnvName } from '../core/workflow/state-name.ts';
import { IMAGE_BUNDLE, IMAGE_DIRECTORY, TASK_PROGRAM } from '../core/workflow/task-container.ts';
import type { ResolvedDatabase } from './database.ts';
import { FargateTask, type FargateTaskOptions, type FargateTaskProps } from './fargate-task.ts';
import type { LeaseTable } from './lease-table.ts';
import { grantPublishedBundles, type PublishedBundles } from './published-bundles.ts';
import { taskImage } from './task-image.ts';

export interface LongRunningOptions extends FargateTaskOptions {
  /**
   * Has to be made of the same migrations: docs/long-work.md.
   * @default built from the Dockerfile of the package, with the coordinator's migrations
   */
  readonly image?: ContainerImage;
}

export interface LongRunningProps extends Omit<FargateTaskProps, 'container' | 'mayPull'> {
  readonly options: LongRunningOptions;
  readonly migrations: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly database: ResolvedDatabase;
  readonly leaseTable: LeaseTable;
  readonly publishedBundles: PublishedBundles | undefined;
}

export class LongRunning extends FargateTask {
  constructor(scope: Construct, id: string, props: LongRunningProps) {
    const { options, environment, migrations, database, leaseTable, publishedBundles } = props;
    super(scope, id, {
      ...props,
      mayPull: options.image === undefined,
      container: (within) => ({
        image: options.image ?? taskImage(within, migrations),
        entryPoint: ['node', `${IMAGE_DIRECTORY}/${TASK_PROGRAM}`],
        environment: {
          ...environment,
          [EnvName.bundlePath]: `${IMAGE_DIRECTORY}/${IMAGE_BUNDLE}`,
          // There is no daemon beside the container that takes traces.
          POWERTOOLS_TRACE_ENABLED: 'false',
        },
        readonlyRootFilesystem: true,
      }),
    });
    database.grantLogin(this.taskRole);
    leaseTable.grantLease(this.taskRole);
    if (publishedBundles) grantPublishedBundles(this.taskRole, publishedBundles);
  }
}
