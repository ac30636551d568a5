import { type CodePipelineClient, PutApprovalResultCommand } from '@aws-sdk/client-codepipeline';
import { isNamed } from '../../core/errors/index.ts';
import { type NotSent, notSent, type RollOutSignal, type Verdict } from '../../core/rollout/index.ts';

const RECEIVER: NotSent = {
  receiver: 'the approval action',
  remedy: 'Approve or reject it by hand in the console, as the verdict says.',
};

/** As the message has it that CodePipeline publishes when the action begins. */
export interface ApprovalAddress {
  readonly pipelineName: string;
  readonly stageName: string;
  readonly actionName: string;
  readonly token: string;
}

const LONGEST_SUMMARY = 512;

/** Answered already, by this run or by a person, or the pipeline's execution is over. */
const NOBODY_WAITS = ['ApprovalAlreadyCompletedException', 'InvalidApprovalTokenException'];

export class ApprovalSignal implements RollOutSignal {
  readonly #client: CodePipelineClient;
  readonly #address: ApprovalAddress;

  constructor(client: CodePipelineClient, address: ApprovalAddress) {
    this.#client = client;
    this.#address = address;
  }

  async send(verdict: Verdict): Promise<void> {
    const { signal, run, message } = verdict;
    if (signal === 'NONE') return;
    const status = signal === 'ROLL_OUT' ? 'Approved' : 'Rejected';
    const summary = `Lockstep, run ${run}: ${message}`.slice(0, LONGEST_SUMMARY);
    await this.#client
      .send(new PutApprovalResultCommand({ ...this.#address, result: { status, summary } }))
      .catch((error: unknown) => {
        if (!isNamed(error, NOBODY_WAITS)) throw notSent(verdict, RECEIVER, error);
      });
  }
}
