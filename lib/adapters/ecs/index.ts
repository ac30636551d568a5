/**
 * Amazon ECS as a receiver of the verdict: a service deployment that waits at a PAUSE hook goes on, or rolls back.
 *
 * Invariants: may be called again with the same verdict; a hook that does not wait any more (answered, timed out,
 * its deployment stopped) is no failure. Who is authoritative: ECS, for whether the hook waits; the verdict, for the
 * answer. What can fail: LS702. Without an answer the hook's own time-out rolls back.
 */
import {
  ContinueServiceDeploymentCommand,
  DescribeServiceDeploymentsCommand,
  type ECSClient,
} from '@aws-sdk/client-ecs';
import { type NotSent, notSent, type RollOutSignal, type Verdict } from '../../core/rollout/index.ts';

const RECEIVER: NotSent = {
  receiver: 'the service deployment of ECS',
  remedy: 'Continue or roll back the deployment by hand in the console, as the verdict says.',
};

export interface PauseHookAddress {
  readonly serviceDeploymentArn: string;
  readonly hookId: string;
}

export class PauseHookSignal implements RollOutSignal {
  readonly #client: ECSClient;
  readonly #address: PauseHookAddress;

  constructor(client: ECSClient, address: PauseHookAddress) {
    this.#client = client;
    this.#address = address;
  }

  async send(verdict: Verdict): Promise<void> {
    if (verdict.signal === 'NONE') return;
    const action = verdict.signal === 'ROLL_OUT' ? 'CONTINUE' : 'ROLLBACK';
    try {
      await this.#client.send(new ContinueServiceDeploymentCommand({ ...this.#address, action }));
    } catch (error) {
      // ECS has no error of its own for a hook that was answered: what it says of the hook tells.
      if (await this.#waits()) throw notSent(verdict, RECEIVER, error);
    }
  }

  /** Also when ECS cannot say. */
  async #waits(): Promise<boolean> {
    const { serviceDeploymentArn, hookId } = this.#address;
    const waiting = await waitingHooks(this.#client, serviceDeploymentArn).catch(() => undefined);
    return waiting?.includes(hookId) ?? true;
  }
}

/** Ids of the PAUSE hooks at which the deployment waits for an answer now. Throws the SDK's errors. */
export async function waitingHooks(client: ECSClient, serviceDeploymentArn: string): Promise<string[]> {
  const { serviceDeployments = [] } = await client.send(
    new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [serviceDeploymentArn] }),
  );
  const hooks = serviceDeployments.flatMap((deployment) => deployment.lifecycleHookDetails ?? []);
  return hooks
    .filter(({ targetType, status }) => targetType === 'PAUSE' && status === 'AWAITING_ACTION')
    .flatMap(({ hookId }) => (hookId ? [hookId] : []));
}
