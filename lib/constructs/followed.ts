/** What is deployed, as the roll-out's functions are told of it, and what they may do with it. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Followed } from '../core/rollout/deployments.ts';
import { acknowledgeWildcard } from './acknowledge.ts';

/** A service of Amazon ECS: a construct, or its names. */
export interface FollowedService {
  readonly serviceName: string;
  readonly cluster: { readonly clusterName: string };
}

/** A deployment group of AWS CodeDeploy: a construct of any platform. */
export interface FollowedDeploymentGroup {
  readonly deploymentGroupName: string;
  readonly deploymentGroupArn: string;
  readonly application: { readonly applicationName: string };
}

export type WhatIsDeployed =
  | { readonly service: FollowedService }
  | { readonly deploymentGroup: FollowedDeploymentGroup };

export const followedOf = (deployed: WhatIsDeployed): Followed =>
  'service' in deployed
    ? {
        kind: 'ecs-service',
        cluster: deployed.service.cluster.clusterName,
        service: deployed.service.serviceName,
      }
    : {
        kind: 'codedeploy-group',
        application: deployed.deploymentGroup.application.applicationName,
        group: deployed.deploymentGroup.deploymentGroupName,
      };

/** To look at its deployments, for both; to stop one, for `stops`. What is not there, is not granted. */
export function grantDeployments(
  scope: Construct,
  deployed: WhatIsDeployed,
  { looks, stops }: { readonly looks: Role | undefined; readonly stops: Role | undefined },
): void {
  const allow = (role: Role | undefined, actions: string[], resource: string) =>
    role?.addToPolicy(new PolicyStatement({ actions, resources: [resource] }));
  if ('deploymentGroup' in deployed) {
    const { deploymentGroupArn } = deployed.deploymentGroup;
    allow(looks, ['codedeploy:GetDeployment', 'codedeploy:GetDeploymentGroup'], deploymentGroupArn);
    allow(stops, ['codedeploy:StopDeployment'], deploymentGroupArn);
    return;
  }
  const { cluster, serviceName } = deployed.service;
  const place = `${cluster.clusterName}/${serviceName}`;
  const deployments = ecsArn(scope, 'service-deployment', `${place}/*`);
  allow(looks, ['ecs:ListServiceDeployments'], ecsArn(scope, 'service', place));
  allow(looks, ['ecs:DescribeServiceDeployments'], deployments);
  allow(stops, ['ecs:DescribeServiceDeployments', 'ecs:StopServiceDeployment'], deployments);
  const reason = 'Deployments of the service are named when they start; all are of this one service.';
  for (const role of [looks, stops]) if (role) acknowledgeWildcard(role, deployments, reason);
}

const ecsArn = (scope: Construct, resource: string, resourceName: string): string =>
  Stack.of(scope).formatArn({
    service: 'ecs',
    resource,
    resourceName,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
