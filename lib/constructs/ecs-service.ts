/** What is written into an ECS service, and where its deployments are, for the PAUSE hook. */
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import type { CfnService, Ec2Service, FargateService } from 'aws-cdk-lib/aws-ecs';
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { refuse } from './refuse.ts';

/** A FargateService or an Ec2Service of this app. */
export type EcsService = FargateService | Ec2Service;

export interface PauseHookOptions {
  /**
   * How long a deployment waits before it rolls back by itself; 1 minute to 14 days.
   * @default 2 hours
   */
  readonly timeout?: Duration;
  /**
   * Place of the hook in the service's list of lifecycle hooks. CDK does not know PAUSE hooks, and what it adds itself
   * comes first: give the number of those.
   * @default 0
   */
  readonly index?: number;
}

/** ECS allows one minute to 14 days. */
const [SHORTEST, LONGEST] = [Duration.minutes(1), Duration.days(14)];

/** The event on which a run starts. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html */
export function pauseHook(
  service: EcsService,
  { timeout = Duration.hours(2), index = 0 }: PauseHookOptions,
): { readonly pattern: EventPattern } {
  const minutes = timeout.toMinutes({ integral: false });
  if (minutes < SHORTEST.toMinutes() || minutes > LONGEST.toMinutes() || !Number.isInteger(minutes)) {
    refuse(
      service,
      'The timeout of a pause hook is not a whole number of minutes, or not between 1 minute and 14 days.',
    );
  }
  const resource = service.node.defaultChild as CfnService;
  resource.addPropertyOverride(`DeploymentConfiguration.LifecycleHooks.${index}`, {
    TargetType: 'PAUSE',
    LifecycleStages: ['PRE_SCALE_UP'],
    TimeoutConfiguration: { TimeoutInMinutes: minutes, Action: 'ROLLBACK' },
  });
  const place = `${service.cluster.clusterName}/${service.serviceName}`;
  const serviceArn = ecsArn(service, 'service', place);
  const deployments = ecsArn(service, 'service-deployment', `${place}/`);
  return {
    pattern: {
      source: ['aws.ecs'],
      detailType: ['ECS Hook State Change'],
      detail: { eventName: ['HOOK_AWAITING_ACTION'] },
      // biome-ignore lint/suspicious/noExplicitAny: CDK types strings only; a pattern may be an object
      resources: [serviceArn, { prefix: deployments }] as any,
    },
  };
}

export const serviceDeploymentsOf = (service: EcsService): string =>
  ecsArn(service, 'service-deployment', `${service.cluster.clusterName}/${service.serviceName}/*`);

const ecsArn = (service: EcsService, resource: string, resourceName: string): string =>
  Stack.of(service).formatArn({
    service: 'ecs',
    resource,
    resourceName,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
