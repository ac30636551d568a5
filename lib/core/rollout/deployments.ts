/** What follows a roll-out has to know of whoever deploys, in words that Amazon ECS and CodeDeploy share. */
import * as z from 'zod';
import { LockstepError } from '../errors/index.ts';

const name = z.string().min(1);

/** What is deployed: the service, or the deployment group, whose deployments are followed. */
export const followedSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ecs-service'), cluster: name, service: name }),
  z.object({ kind: z.literal('codedeploy-group'), application: name, group: name }),
]);
export type Followed = z.infer<typeof followedSchema>;

/**
 * `under-way`: can be stopped. `complete`: the new version runs. `going-back`: on its way back to the old version.
 * `old-version`: it is back. `unsettled`: it ended, and which version runs is not known.
 */
export type DeploymentState = 'under-way' | 'complete' | 'going-back' | 'old-version' | 'unsettled';

export interface Deployment {
  readonly id: string;
  readonly state: DeploymentState;
  /** The deployer's own words, if it has any. */
  readonly reason: string | null;
}

/** Port: the deployments of one service or group. Throws LS704, `sendBack` LS705. Adapters: EcsDeployments, CodeDeployDeployments. */
export interface Deployments {
  /** When the newest one was made, by the deployer's own clock (ISO 8601); null if there is none. */
  newestAt(): Promise<string | null>;
  /** Id of the first one that was made after that, of all if null; undefined if there is none. */
  madeAfter(at: string | null): Promise<string | undefined>;
  /** Undefined: a deployment of something else. */
  read(id: string): Promise<Deployment | undefined>;
  /** Stops it and has it rolled back. May be called again; one that cannot be stopped any more is no failure. */
  sendBack(id: string): Promise<void>;
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

export const notRead = (deployer: string, cause: unknown): LockstepError =>
  new LockstepError('LS704', {
    what: `${deployer} does not say how the deployment is: ${reasonOf(cause)}.`,
    state: 'Everything that was asked for is applied, and roll out was signalled; nothing else was done.',
    remedy: 'Look at the deployment, and at the rights of the function await-roll-out.',
    cause,
  });

export const notSentBack = (deployer: string, id: string, cause: unknown): LockstepError =>
  new LockstepError('LS705', {
    what: `${deployer} did not roll the deployment ${id} back: ${reasonOf(cause)}.`,
    state: 'The schema is as it was; the new version may be running.',
    remedy: 'Stop the deployment with roll-back by hand.',
    context: { deployment: id },
    cause,
  });
