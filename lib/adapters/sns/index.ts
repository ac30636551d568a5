/**
 * The verdict as a message of Amazon SNS, written for a person: what happened, what is true of the database now,
 * what to do. For filters and for machines its attributes say `target`, `run`, `signal` and `outcome`.
 *
 * Invariants: no secret and no row data, because a verdict has none; a verdict without a signal sends nothing. A
 * message that is sent again arrives again. Who is authoritative: the verdict. What can fail: LS702.
 */
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import {
  type NotSent,
  noticeOf,
  notSent,
  type RollOutSignal,
  type Verdict,
} from '../../core/rollout/index.ts';

const RECEIVER: NotSent = {
  receiver: 'the SNS topic',
  remedy:
    'Check that the topic exists, that its policy and its key let the function publish, and send again.',
};

export class SnsSignal implements RollOutSignal {
  readonly #client: SNSClient;
  readonly #topicArn: string;

  constructor(client: SNSClient, topicArn: string) {
    this.#client = client;
    this.#topicArn = topicArn;
  }

  async send(verdict: Verdict): Promise<void> {
    if (verdict.signal === 'NONE') return;
    const { subject, text } = noticeOf(verdict);
    const { target, run, signal, outcome } = verdict;
    const attributes = Object.entries({ target, run, signal, outcome });
    const message = new PublishCommand({
      TopicArn: this.#topicArn,
      Subject: subject,
      Message: text,
      MessageAttributes: Object.fromEntries(
        attributes.map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
      ),
    });
    await this.#client.send(message).catch((error: unknown) => {
      throw notSent(verdict, RECEIVER, error);
    });
  }
}
