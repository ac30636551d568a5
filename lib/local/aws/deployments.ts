/**
 * Deployments as Amazon ECS and AWS CodeDeploy have them. One begins, and is set to another status, from outside; a
 * roll-back that was asked for goes on by itself, a step each time that somebody looks.
 */
import { AwsError, arn, type Service } from './service.ts';

interface ServiceDeployment {
  readonly serviceDeploymentArn: string;
  readonly place: string;
  readonly createdAt: number;
  status: string;
  statusReason?: string | undefined;
}

interface CodeDeployment {
  readonly deploymentId: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
  readonly createTime: number;
  status: string;
  rollbackInfo?: { readonly rollbackDeploymentId: string };
  errorInformation?: { readonly code: string; readonly message: string };
}

/** A roll-back of ECS, from the request on. */
const GOING_BACK = ['ROLLBACK_REQUESTED', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_SUCCESSFUL'];
const CAN_BE_STOPPED = ['PENDING', 'IN_PROGRESS', 'Created', 'Queued', 'InProgress', 'Baking', 'Ready'];

export class LocalDeployments {
  readonly #ofServices: ServiceDeployment[] = [];
  readonly #ofGroups: CodeDeployment[] = [];
  /** Both services give times in whole milliseconds; two deployments never have the same one. */
  #newestMs = 0;

  /** Gives the ARN of the service's new deployment, which is in progress. */
  deployService(cluster: string, service: string): string {
    const place = `${cluster}/${service}`;
    const serviceDeploymentArn = arn('ecs', `service-deployment/${place}/${this.#ofServices.length + 1}`);
    this.#ofServices.push({
      serviceDeploymentArn,
      place,
      createdAt: this.#now() / 1000,
      status: 'IN_PROGRESS',
    });
    return serviceDeploymentArn;
  }

  /** Gives the id of the group's new deployment, which is in progress. */
  deployGroup(applicationName: string, deploymentGroupName: string): string {
    const deploymentId = `d-${this.#ofGroups.length + 1}`;
    const createTime = this.#now() / 1000;
    this.#ofGroups.push({
      deploymentId,
      applicationName,
      deploymentGroupName,
      createTime,
      status: 'InProgress',
    });
    return deploymentId;
  }

  /** By ARN or id; `reason`, as the deployer puts it. */
  set(id: string, status: string, reason?: string): void {
    const ofGroup = this.#ofGroups.find(({ deploymentId }) => deploymentId === id);
    if (ofGroup) {
      Object.assign(ofGroup, {
        status,
        ...(reason ? { errorInformation: { code: 'HEALTH_CONSTRAINTS', message: reason } } : {}),
      });
    } else Object.assign(this.#ofService(id), { status, statusReason: reason });
  }

  statusOf(id: string): string {
    return (this.#ofGroups.find(({ deploymentId }) => deploymentId === id) ?? this.#ofService(id)).status;
  }

  /** What DescribeServiceDeployments says; nothing of one that was not begun here. */
  describe(id: string): object {
    const found = this.#ofServices.find(({ serviceDeploymentArn }) => serviceDeploymentArn === id);
    if (!found) return {};
    const { place, ...described } = { ...found };
    const step = GOING_BACK.indexOf(found.status);
    if (step >= 0) found.status = GOING_BACK[step + 1] ?? found.status;
    return described;
  }

  readonly ecs: Service = {
    ListServiceDeployments: ({ cluster, service }) => ({
      serviceDeployments: this.#ofServices
        .filter(({ place }) => place === `${cluster}/${service}`)
        .map(({ place, statusReason, ...brief }) => brief)
        .toReversed(),
    }),
    StopServiceDeployment: ({ serviceDeploymentArn, stopType }) => {
      const found = this.#ofService(serviceDeploymentArn);
      if (!CAN_BE_STOPPED.includes(found.status))
        throw new AwsError('ConflictException', `The service deployment is ${found.status}`);
      found.status = stopType === 'ROLLBACK' ? 'ROLLBACK_REQUESTED' : 'STOP_REQUESTED';
      return { serviceDeploymentArn };
    },
  };

  readonly codedeploy: Service = {
    GetDeployment: ({ deploymentId }) => {
      const found = this.#ofGroup(deploymentId);
      const deploymentInfo = { ...found };
      const isRollBack = this.#ofGroups.some(
        (each) => each.rollbackInfo?.rollbackDeploymentId === deploymentId,
      );
      if (isRollBack) found.status = 'Succeeded';
      return { deploymentInfo };
    },
    GetDeploymentGroup: ({ applicationName, deploymentGroupName }) => {
      const last = this.#ofGroups.findLast(
        (each) =>
          each.applicationName === applicationName && each.deploymentGroupName === deploymentGroupName,
      );
      const { deploymentId, status, createTime } = last ?? {};
      const attempted = last ? { lastAttemptedDeployment: { deploymentId, status, createTime } } : {};
      return { deploymentGroupInfo: { applicationName, deploymentGroupName, ...attempted } };
    },
    StopDeployment: ({ deploymentId, autoRollbackEnabled }) => {
      const found = this.#ofGroup(deploymentId);
      if (!CAN_BE_STOPPED.includes(found.status))
        throw new AwsError('DeploymentAlreadyCompletedException', `Deployment ${deploymentId} is complete.`);
      found.status = 'Stopped';
      if (autoRollbackEnabled) {
        const { applicationName, deploymentGroupName } = found;
        found.rollbackInfo = { rollbackDeploymentId: this.deployGroup(applicationName, deploymentGroupName) };
      }
      return { status: 'Pending' };
    },
  };

  #ofService(id: string): ServiceDeployment {
    const found = this.#ofServices.find(({ serviceDeploymentArn }) => serviceDeploymentArn === id);
    if (!found)
      throw new AwsError('ServiceDeploymentNotFoundException', `There is no service deployment ${id}`);
    return found;
  }

  #ofGroup(id: string): CodeDeployment {
    const found = this.#ofGroups.find(({ deploymentId }) => deploymentId === id);
    if (!found) throw new AwsError('DeploymentDoesNotExistException', `There is no deployment ${id}`);
    return found;
  }

  #now(): number {
    this.#newestMs = Math.max(this.#newestMs + 1, Date.now());
    return this.#newestMs;
  }
}
