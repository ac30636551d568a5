/**
 * Deployments of one deployment group of AWS CodeDeploy, followed and sent back. A roll-back is a deployment of its
 * own there; the first one names it.
 *
 * Who is authoritative: CodeDeploy, for how a deployment is and which one its group attempted last. What can fail:
 * LS704; LS705 when one that can be stopped is not.
 */
import {
  type CodeDeployClient,
  type DeploymentInfo,
  type DeploymentStatus,
  GetDeploymentCommand,
  GetDeploymentGroupCommand,
  type LastDeploymentInfo,
  StopDeploymentCommand,
} from '@aws-sdk/client-codedeploy';
import { isNamed } from '../../core/errors/index.ts';
import {
  type Deployment,
  type DeploymentState,
  type Deployments,
  notRead,
  notSentBack,
} from '../../core/rollout/index.ts';

type Progress = 'under-way' | 'succeeded' | 'ended';
const PROGRESS: Readonly<Record<DeploymentStatus, Progress>> = {
  Created: 'under-way',
  Queued: 'under-way',
  InProgress: 'under-way',
  Baking: 'under-way',
  Ready: 'under-way',
  Succeeded: 'succeeded',
  Failed: 'ended',
  Stopped: 'ended',
};

const DEPLOYER = 'AWS CodeDeploy';

export class CodeDeployDeployments implements Deployments {
  readonly #client: CodeDeployClient;
  readonly #place: { readonly application: string; readonly group: string };

  constructor(
    client: CodeDeployClient,
    { application, group }: { readonly application: string; readonly group: string },
  ) {
    this.#client = client;
    this.#place = { application, group };
  }

  async newestAt(): Promise<string | null> {
    return (await this.#lastAttempted())?.createTime?.toISOString() ?? null;
  }

  /** A group has one deployment at a time: the last one is the first one after, unless two came between two looks. */
  async madeAfter(at: string | null): Promise<string | undefined> {
    const last = await this.#lastAttempted();
    const isNew = at === null || (last?.createTime?.getTime() ?? 0) > Date.parse(at);
    return isNew ? last?.deploymentId : undefined;
  }

  async read(id: string): Promise<Deployment | undefined> {
    const found = await this.#describe(id);
    const { application, group } = this.#place;
    if (found.applicationName !== application || found.deploymentGroupName !== group) return undefined;
    return { id, state: await this.#stateOf(found), reason: reasonOf(found) };
  }

  async sendBack(id: string): Promise<void> {
    const stop = new StopDeploymentCommand({ deploymentId: id, autoRollbackEnabled: true });
    await this.#client.send(stop).catch((error: unknown) => {
      if (!isNamed(error, ['DeploymentAlreadyCompletedException'])) throw notSentBack(DEPLOYER, id, error);
    });
  }

  async #stateOf({ status, rollbackInfo }: DeploymentInfo): Promise<DeploymentState> {
    const progress = progressOf(status);
    if (progress !== 'ended') return progress === 'under-way' ? 'under-way' : 'complete';
    const rollBack = rollbackInfo?.rollbackDeploymentId;
    if (!rollBack) return 'unsettled';
    const states = { 'under-way': 'going-back', succeeded: 'old-version', ended: 'unsettled' } as const;
    return states[progressOf((await this.#describe(rollBack)).status)];
  }

  async #describe(deploymentId: string): Promise<DeploymentInfo> {
    const { deploymentInfo } = await this.#client
      .send(new GetDeploymentCommand({ deploymentId }))
      .catch((error: unknown) => {
        throw notRead(DEPLOYER, error);
      });
    return deploymentInfo ?? {};
  }

  async #lastAttempted(): Promise<LastDeploymentInfo | undefined> {
    const { application: applicationName, group: deploymentGroupName } = this.#place;
    const { deploymentGroupInfo } = await this.#client
      .send(new GetDeploymentGroupCommand({ applicationName, deploymentGroupName }))
      .catch((error: unknown) => {
        throw notRead(DEPLOYER, error);
      });
    return deploymentGroupInfo?.lastAttemptedDeployment;
  }
}

const progressOf = (status: DeploymentStatus | undefined): Progress =>
  status ? PROGRESS[status] : 'under-way';

function reasonOf({ status, errorInformation, rollbackInfo }: DeploymentInfo): string {
  const why = errorInformation?.message ?? rollbackInfo?.rollbackMessage;
  const words = `CodeDeploy has the deployment as ${status}`;
  return why ? `${words} (${why.replace(/\.$/, '')})` : words;
}
