import {
  type CodePipelineClient,
  DisableStageTransitionCommand,
  EnableStageTransitionCommand,
} from '@aws-sdk/client-codepipeline';
import { type NotSent, notSent, type RollOutSignal, type Verdict } from '../../core/rollout/index.ts';

const RECEIVER: NotSent = {
  receiver: 'the stage of the pipeline',
  remedy: 'Check the names of pipeline and stage; the transition can be set by hand in the console.',
};

export interface StageTransition {
  readonly pipelineName: string;
  readonly stageName: string;
}

/** As CodePipeline limits it. */
const LONGEST_REASON = 300;
const NOT_IN_A_REASON = /[^a-zA-Z0-9!@().*?-]+/g;

const reasonOf = ({ run, message }: Verdict): string =>
  `Lockstep, run ${run}: ${message}`.replaceAll(NOT_IN_A_REASON, ' ').slice(0, LONGEST_REASON);

export class StageTransitionSignal implements RollOutSignal {
  readonly #client: CodePipelineClient;
  readonly #stage: StageTransition;

  constructor(client: CodePipelineClient, stage: StageTransition) {
    this.#client = client;
    this.#stage = stage;
  }

  async send(verdict: Verdict): Promise<void> {
    if (verdict.signal === 'NONE') return;
    const stage = { ...this.#stage, transitionType: 'Inbound' } as const;
    const set =
      verdict.signal === 'ROLL_OUT'
        ? this.#client.send(new EnableStageTransitionCommand(stage))
        : this.#client.send(new DisableStageTransitionCommand({ ...stage, reason: reasonOf(verdict) }));
    await set.catch((error: unknown) => {
      throw notSent(verdict, RECEIVER, error);
    });
  }
}
