import { CodeDeployClient } from '@aws-sdk/client-codedeploy';
import { CodePipelineClient } from '@aws-sdk/client-codepipeline';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SNSClient } from '@aws-sdk/client-sns';
import { LifecycleHookSignal } from '../../lib/adapters/codedeploy/index.ts';
import { ApprovalSignal, StageTransitionSignal } from '../../lib/adapters/codepipeline/index.ts';
import { PauseHookSignal } from '../../lib/adapters/ecs/index.ts';
import { EventBridgeSignal } from '../../lib/adapters/eventbridge/index.ts';
import { SnsSignal } from '../../lib/adapters/sns/index.ts';
import { WebhookSignal } from '../../lib/adapters/webhook/index.ts';
import { noticeOf, type RollOutSignal, type Verdict } from '../../lib/core/rollout/index.ts';
import { LocalDeployers } from '../../lib/local/aws/deployers.ts';
import { LocalEventBus } from '../../lib/local/aws/events.ts';
import { AwsError, type Service } from '../../lib/local/aws/service.ts';
import { type LocalServices, startLocalAws } from '../support/local-aws.ts';
import { startWebhookServer, WEBHOOK_SECRET } from '../support/webhook-server.ts';
import { describeRollOutSignal, type SignalHarness } from './rollout-signal.contract.ts';

type ClientConfig = Awaited<ReturnType<typeof startLocalAws>>['clientConfig'];

interface Client {
  destroy(): void;
}

/** A signal to a service that runs here, and that refuses everything once it is told to. */
async function harnessOf<C extends Client>(
  name: keyof LocalServices,
  service: Service,
  make: (config: ClientConfig) => C,
  rest: (client: C) => Pick<SignalHarness, 'signal' | 'received' | 'arrivalOf' | 'waitAgain'>,
): Promise<SignalHarness> {
  let isBroken = false;
  const refusing = Object.fromEntries(
    Object.entries(service).map(([action, run]) => [
      action,
      (input: unknown) => {
        if (isBroken) throw new AwsError('AccessDeniedException', 'not authorized');
        return run(input);
      },
    ]),
  );
  const { clientConfig, stop } = await startLocalAws({ [name]: refusing });
  const client = make(clientConfig);
  return {
    ...rest(client),
    breakDown: () => {
      isBroken = true;
    },
    close: async () => {
      client.destroy();
      await stop();
    },
  };
}

describeRollOutSignal('EventBridgeSignal', () => {
  const bus = new LocalEventBus();
  return harnessOf(
    'events',
    bus.service,
    (config) => new EventBridgeClient(config),
    (client) => ({
      signal: new EventBridgeSignal(client, 'default'),
      received: () => bus.events.map(({ detail }) => detail),
      arrivalOf: (verdict) => verdict,
    }),
  );
});

describeRollOutSignal('SnsSignal', () => {
  const deployers = new LocalDeployers();
  const topic = 'arn:aws:sns:us-east-1:000000000000:on-call';
  return harnessOf(
    'sns',
    deployers.sns,
    (config) => new SNSClient(config),
    (client) => ({
      signal: new SnsSignal(client, topic),
      received: () => deployers.messages,
      arrivalOf: (verdict) => {
        const { target, run, signal, outcome } = verdict;
        return { topic, ...noticeOf(verdict), attributes: { target, run, signal, outcome } };
      },
    }),
  );
});

describeRollOutSignal('StageTransitionSignal', () => {
  const { codepipeline, transitions } = new LocalDeployers();
  const seen: unknown[] = [];
  const watched = Object.fromEntries(
    Object.entries(codepipeline).map(([action, run]) => [
      action,
      (input: unknown) => {
        const result = run(input);
        seen.push(transitions.get('release/Deploy'));
        return result;
      },
    ]),
  );
  return harnessOf(
    'codepipeline',
    watched,
    (config) => new CodePipelineClient(config),
    (client) => ({
      signal: new StageTransitionSignal(client, { pipelineName: 'release', stageName: 'Deploy' }),
      received: () => seen,
      arrivalOf: ({ signal }) =>
        signal === 'ROLL_OUT'
          ? 'enabled'
          : // Without the characters that CodePipeline refuses.
            { disabled: 'Lockstep run run-1 LS601 0001 a failed .' },
    }),
  );
});

/** Of those that wait for one answer, and take one only. */
function answering<C extends Client>(
  name: 'codepipeline' | 'ecs' | 'codedeploy',
  id: string,
  make: (config: ClientConfig) => C,
  signalOf: (client: C) => RollOutSignal,
  words: readonly [rollOut: string, rollBack: string],
): () => Promise<SignalHarness> {
  return () => {
    const deployers = new LocalDeployers();
    deployers.waiting.add(id);
    const answers: string[] = [];
    const note = () => {
      const answer = deployers.answers.get(id);
      if (answer !== undefined && !deployers.waiting.has(id)) answers.push(answer);
      deployers.answers.clear();
    };
    return harnessOf(name, deployers[name], make, (client) => {
      const signal = signalOf(client);
      return {
        signal: {
          async send(verdict: Verdict) {
            await signal.send(verdict);
            note();
          },
        },
        received: () => answers,
        arrivalOf: (verdict) => words[verdict.signal === 'ROLL_OUT' ? 0 : 1],
        waitAgain: () => deployers.waiting.add(id),
      };
    });
  };
}

describeRollOutSignal(
  'ApprovalSignal',
  answering(
    'codepipeline',
    'token-1',
    (config) => new CodePipelineClient(config),
    (client) =>
      new ApprovalSignal(client, {
        pipelineName: 'release',
        stageName: 'Migrate',
        actionName: 'Approve',
        token: 'token-1',
      }),
    ['Approved', 'Rejected'],
  ),
);

describeRollOutSignal(
  'PauseHookSignal',
  answering(
    'ecs',
    'ecs-pause-1',
    (config) => new ECSClient(config),
    (client) =>
      new PauseHookSignal(client, {
        serviceDeploymentArn: 'arn:aws:ecs:us-east-1:000000000000:service-deployment/apps/orders/1',
        hookId: 'ecs-pause-1',
      }),
    ['CONTINUE', 'ROLLBACK'],
  ),
);

describeRollOutSignal(
  'LifecycleHookSignal',
  answering(
    'codedeploy',
    'hook-1',
    (config) => new CodeDeployClient(config),
    (client) =>
      new LifecycleHookSignal(client, { deploymentId: 'd-1', lifecycleEventHookExecutionId: 'hook-1' }),
    ['Succeeded', 'Failed'],
  ),
);

describeRollOutSignal('WebhookSignal', async () => {
  const server = await startWebhookServer();
  const options = { url: server.url, secret: WEBHOOK_SECRET, nowMs: () => 1_763_712_000_000, fetch };
  return {
    signal: new WebhookSignal(options),
    received: () => server.requests,
    arrivalOf: (verdict) => ({
      id: `run-1.${verdict.signal}`,
      body: {
        type: verdict.signal === 'ROLL_OUT' ? 'Lockstep Roll Out' : 'Lockstep Roll Back',
        timestamp: '2025-11-21T08:00:00.000Z',
        data: verdict,
      },
    }),
    breakDown: () => server.answerWith(503),
    close: server.close,
  };
});
