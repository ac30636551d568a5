import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { afterEach, describe, expect, test } from 'vitest';
import { EventBridgeSignal } from '../../lib/adapters/eventbridge/index.ts';
import { AwsError, type Service } from '../../lib/local/aws/service.ts';
import { rollBack, rollOut } from '../contract/rollout-signal.contract.ts';
import { startLocalAws } from '../support/local-aws.ts';

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

async function signalTo(events: Service): Promise<EventBridgeSignal> {
  const { clientConfig, stop } = await startLocalAws({ events });
  const client = new EventBridgeClient(clientConfig);
  close = async () => {
    client.destroy();
    await stop();
  };
  return new EventBridgeSignal(client, 'deployments');
}

describe('the EventBridge signal', () => {
  test('is one entry with the documented source, detail type and bus', async () => {
    const requests: unknown[] = [];
    const signal = await signalTo({
      PutEvents: (input) => {
        requests.push(input);
        return { FailedEntryCount: 0, Entries: [{ EventId: '1' }] };
      },
    });
    await signal.send(rollOut);
    await signal.send(rollBack);
    const entry = { Source: 'lockstep', EventBusName: 'deployments' };
    expect(requests).toEqual([
      { Entries: [{ ...entry, DetailType: 'Lockstep Roll Out', Detail: JSON.stringify(rollOut) }] },
      { Entries: [{ ...entry, DetailType: 'Lockstep Roll Back', Detail: JSON.stringify(rollBack) }] },
    ]);
  });

  test('fails when EventBridge takes the call but refuses the entry', async () => {
    const refused = { ErrorCode: 'InternalFailure', ErrorMessage: 'try later' };
    const signal = await signalTo({ PutEvents: () => ({ FailedEntryCount: 1, Entries: [refused] }) });
    await expect(signal.send(rollOut)).rejects.toMatchObject({
      name: 'SignalError',
      code: 'LS702',
      what: 'The signal ROLL_OUT of run run-1 could not be sent to EventBridge: InternalFailure: try later.',
      state: rollOut.state,
    });
  });

  test('fails when the call is refused', async () => {
    const signal = await signalTo({
      PutEvents: () => {
        throw new AwsError('AccessDeniedException', 'not authorized');
      },
    });
    await expect(signal.send(rollBack)).rejects.toMatchObject({ code: 'LS702', retryable: true });
  });
});
