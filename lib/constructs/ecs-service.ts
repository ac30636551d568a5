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
}

/** ECS allows one minute to 14 days. */
const [SHORTEST, LONGEST] = [Duration.minutes(1), Duration.days(14)];

/** The event on which a run starts. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html */
export function pauseHook(
  service: EcsService,
  { timeout = Duration.hours(2) }: PauseHookOptions,
): { readonly pattern: EventPattern } {
  const minutes = timeout.toMinutes({ integral: false });
  if (minutes < SHORTEST.toMinutes() || minutes > LONGEST.toMinutes() || !Number.isInteger(minutes)) {
    refuse(
      service,
      'The timeout of a pause hook is not a whole number of minutes, or not between 1 minute and 14 days.',
    );
  }
  const resource = service.node.defaultChild as CfnService;
  // CDK's service knows no hook without a function; and this replaces the whole list.
  const hook = {
    TargetType: 'PAUSE',
    LifecycleStages: ['PRE_SCALE_UP'],
    TimeoutConfiguration: { TimeoutInMinutes: minutes, Action: 'ROLLBACK' },
  };
  resource.addPropertyOverride('DeploymentConfiguration.LifecycleHooks', [hook]);
  service.node.addValidation({ validate: () => (hasOtherHooks(resource) ? [OTHER_HOOKS] : []) });
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

const OTHER_HOOKS =
  'This service has lifecycle hooks of its own, which a pause hook would replace: use deployers.lambdaHook() beside them.';

function hasOtherHooks(resource: CfnService): boolean {
  const { lifecycleHooks = [] } = Stack.of(resource).resolve(resource.deploymentConfiguration) ?? {};
  return lifecycleHooks.length > 0;
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
