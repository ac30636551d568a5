/**
 * AWS CodeDeploy as a receiver of the verdict: a deployment that waits at a lifecycle event hook goes on, or fails,
 * which rolls it back if its deployment group says so.
 *
 * Invariants: may be called again with the same verdict; a hook that has its answer, or whose deployment is gone, is
 * no failure. Who is authoritative: the verdict. What can fail: LS702. Without an answer CodeDeploy fails the
 * deployment after an hour.
 */
import {
  type CodeDeployClient,
  PutLifecycleEventHookExecutionStatusCommand,
} from '@aws-sdk/client-codedeploy';
import { isNamed } from '../../core/errors/index.ts';
import { type NotSent, notSent, type RollOutSignal, type Verdict } from '../../core/rollout/index.ts';

const RECEIVER: NotSent = {
  receiver: 'the deployment of CodeDeploy',
  remedy: 'Stop the deployment, or let it go on, by hand, as the verdict says.',
};

export interface LifecycleHookAddress {
  readonly deploymentId: string;
  readonly lifecycleEventHookExecutionId: string;
}

const NOBODY_WAITS = ['LifecycleEventAlreadyCompletedException', 'DeploymentDoesNotExistException'];

export class LifecycleHookSignal implements RollOutSignal {
  readonly #client: CodeDeployClient;
  readonly #address: LifecycleHookAddress;

  constructor(client: CodeDeployClient, address: LifecycleHookAddress) {
    this.#client = client;
    this.#address = address;
  }

  async send(verdict: Verdict): Promise<void> {
    if (verdict.signal === 'NONE') return;
    const status = verdict.signal === 'ROLL_OUT' ? 'Succeeded' : 'Failed';
    await this.#client
      .send(new PutLifecycleEventHookExecutionStatusCommand({ ...this.#address, status }))
      .catch((error: unknown) => {
        if (!isNamed(error, NOBODY_WAITS)) throw notSent(verdict, RECEIVER, error);
      });
  }
}
