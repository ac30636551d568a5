import { CodeDeployClient } from '@aws-sdk/client-codedeploy';
import { ECSClient } from '@aws-sdk/client-ecs';
import { CodeDeployDeployments } from '../../lib/adapters/codedeploy/deployments.ts';
import { EcsDeployments } from '../../lib/adapters/ecs/deployments.ts';
import type { Deployments, Followed } from '../../lib/core/rollout/index.ts';
import { awsClient } from './aws-clients.ts';

const ecs = awsClient((limits) => new ECSClient(limits));
const codeDeploy = awsClient((limits) => new CodeDeployClient(limits));

export function deploymentsOf(followed: Followed): Deployments {
  switch (followed.kind) {
    case 'ecs-service':
      return new EcsDeployments(ecs(), followed);
    case 'codedeploy-group':
      return new CodeDeployDeployments(codeDeploy(), followed);
    default:
      return followed satisfies never;
  }
}
