/**
 * The roll-out signal as an EventBridge event: source `lockstep`, detail type by the verdict's signal, the
 * verdict as detail. The workflow sends the same event through its own integration with EventBridge; this is
 * the one of the clean-up, for executions that were stopped before they could.
 *
 * Invariants: one entry per verdict; a verdict without a signal (a dry run) sends nothing. EventBridge may
 * deliver an event twice; it carries the run's id. Who is authoritative: the verdict. What can fail: LS702.
 */
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  EVENT_SOURCE,
  EventType,
  type NotSent,
  notSent,
  type RollOutSignal,
  type Verdict,
} from '../../core/rollout/index.ts';

const RECEIVER: NotSent = {
  receiver: 'EventBridge',
  remedy:
    "Check the event bus and the permission to put events on it; the execution's own status carries the same verdict.",
};

export class EventBridgeSignal implements RollOutSignal {
  readonly #client: EventBridgeClient;
  readonly #eventBusName: string;

  constructor(client: EventBridgeClient, eventBusName: string) {
    this.#client = client;
    this.#eventBusName = eventBusName;
  }

  async send(verdict: Verdict): Promise<void> {
    if (verdict.signal === 'NONE') return;
    const entry = {
      Source: EVENT_SOURCE,
      DetailType: verdict.signal === 'ROLL_OUT' ? EventType.rollOut : EventType.rollBack,
      Detail: JSON.stringify(verdict),
      EventBusName: this.#eventBusName,
    };
    const reply = await this.#client
      .send(new PutEventsCommand({ Entries: [entry] }))
      .catch((error: unknown) => {
        throw notSent(verdict, RECEIVER, error);
      });
    // The call succeeds although its entry was refused.
    if ((reply.FailedEntryCount ?? 0) > 0) {
      const refused = reply.Entries?.[0];
      throw notSent(verdict, RECEIVER, `${refused?.ErrorCode}: ${refused?.ErrorMessage}`);
    }
  }
}
