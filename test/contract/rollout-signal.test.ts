import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { EventBridgeSignal } from '../../lib/adapters/eventbridge/index.ts';
import { MemorySignal } from '../../lib/adapters/memory/memory-signal.ts';
import type { Verdict } from '../../lib/core/rollout/index.ts';
import { LocalEventBus } from '../../lib/local/aws/events.ts';
import { startLocalAws } from '../support/local-aws.ts';
import { describeRollOutSignal } from './rollout-signal.contract.ts';

describeRollOutSignal('MemorySignal', async () => {
  const signal = new MemorySignal();
  return { signal, received: () => signal.sent, close: async () => undefined };
});

describeRollOutSignal('EventBridgeSignal', async () => {
  const bus = new LocalEventBus();
  const { clientConfig, stop } = await startLocalAws({ events: bus.service });
  const client = new EventBridgeClient(clientConfig);
  return {
    signal: new EventBridgeSignal(client, 'default'),
    received: () => bus.events.map((event) => event.detail as Verdict),
    close: async () => {
      client.destroy();
      await stop();
    },
  };
});
