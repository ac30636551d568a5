/**
 * Deployments of one Amazon ECS service, followed and sent back.
 *
 * Who is authoritative: ECS, for how a deployment is and which of two is the newer one. ECS knows of deployments for
 * 90 days. What can fail: LS704; LS705 when one that can be stopped is not.
 */
import {
  DescribeServiceDeploymentsCommand,
  type ECSClient,
  ListServiceDeploymentsCommand,
  type ServiceDeployment,
  type ServiceDeploymentBrief,
  type ServiceDeploymentStatus,
  StopServiceDeploymentCommand,
} from '@aws-sdk/client-ecs';
import {
  type Deployment,
  type DeploymentState,
  type Deployments,
  notRead,
  notSentBack,
} from '../../core/rollout/index.ts';

const STATES: Readonly<Record<ServiceDeploymentStatus, DeploymentState>> = {
  PENDING: 'under-way',
  IN_PROGRESS: 'under-way',
  SUCCESSFUL: 'complete',
  STOP_REQUESTED: 'going-back',
  ROLLBACK_REQUESTED: 'going-back',
  ROLLBACK_IN_PROGRESS: 'going-back',
  ROLLBACK_SUCCESSFUL: 'old-version',
  STOPPED: 'unsettled',
  ROLLBACK_FAILED: 'unsettled',
};

const DEPLOYER = 'Amazon ECS';

export class EcsDeployments implements Deployments {
  readonly #client: ECSClient;
  readonly #place: { readonly cluster: string; readonly service: string };

  constructor(
    client: ECSClient,
    { cluster, service }: { readonly cluster: string; readonly service: string },
  ) {
    this.#client = client;
    this.#place = { cluster, service };
  }

  async newestAt(): Promise<string | null> {
    const all = await this.#list();
    return all.at(-1)?.createdAt?.toISOString() ?? null;
  }

  async madeAfter(at: string | null): Promise<string | undefined> {
    const sinceMs = at === null ? Number.NEGATIVE_INFINITY : Date.parse(at);
    const all = await this.#list();
    return all.find(({ createdAt }) => madeMs(createdAt) > sinceMs)?.serviceDeploymentArn;
  }

  async read(id: string): Promise<Deployment | undefined> {
    const { cluster, service } = this.#place;
    if (!id.includes(`:service-deployment/${cluster}/${service}/`)) return undefined;
    const { serviceDeployments: [found] = [] } = await this.#client
      .send(new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [id] }))
      .catch((error: unknown) => {
        throw notRead(DEPLOYER, error);
      });
    if (!found?.status) throw notRead(DEPLOYER, `there is no deployment ${id}`);
    return { id, state: STATES[found.status], reason: reasonOf(found) };
  }

  async sendBack(id: string): Promise<void> {
    const stop = new StopServiceDeploymentCommand({ serviceDeploymentArn: id, stopType: 'ROLLBACK' });
    await this.#client.send(stop).catch(async (error: unknown) => {
      // ECS has no error of its own for one that has ended, or goes back already: its state tells.
      const found = await this.read(id).catch(() => undefined);
      if (found === undefined || found.state === 'under-way') throw notSentBack(DEPLOYER, id, error);
    });
  }

  /** Oldest first. */
  async #list(): Promise<ServiceDeploymentBrief[]> {
    const all: ServiceDeploymentBrief[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.#client
        .send(new ListServiceDeploymentsCommand({ ...this.#place, maxResults: 100, nextToken }))
        .catch((error: unknown) => {
          throw notRead(DEPLOYER, error);
        });
      all.push(...(page.serviceDeployments ?? []));
      nextToken = page.nextToken;
    } while (nextToken);
    return all.sort((a, b) => madeMs(a.createdAt) - madeMs(b.createdAt));
  }
}

const madeMs = (at: Date | undefined): number => at?.getTime() ?? 0;

function reasonOf({ status, statusReason, rollback, alarms }: ServiceDeployment): string | null {
  const rang = alarms?.triggeredAlarmNames?.length
    ? `its alarms rang: ${alarms.triggeredAlarmNames.join(', ')}`
    : undefined;
  const why = rollback?.reason ?? statusReason ?? rang;
  const words = `ECS has the deployment as ${status}`;
  return why ? `${words} (${why.replace(/\.$/, '')})` : words;
}
