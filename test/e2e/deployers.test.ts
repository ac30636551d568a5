/** Deployers: who is told a verdict, and who asks for a run, on the synthesized machine with the real functions. */
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  Cluster,
  ContainerImage,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
} from 'aws-cdk-lib/aws-ecs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Deployment } from '../../lib/local/index.ts';
import { type Files, type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const GOOD = { '0001_a.sql': 'CREATE TABLE public.a (id int);' };
const BAD = { '0001_a.sql': 'ALTER TABLE public.missing ADD COLUMN x int;' };
const SLOW = { '0001_a.sql': 'CREATE TABLE public.a (id int); SELECT pg_sleep(60);' };

let coordinator: LocalCoordinator;
beforeAll(async () => {
  coordinator = await startCoordinator({
    receivers: (stack) => ({
      topic: new Topic(stack, 'OnCall'),
      stageTransition: { pipelineName: 'release', stageName: 'Deploy' },
    }),
    askingDeployers(deployers, stack) {
      const vpc = Vpc.fromVpcAttributes(stack, 'AppVpc', {
        vpcId: 'vpc-1',
        availabilityZones: ['us-east-1a'],
        privateSubnetIds: ['subnet-1'],
      });
      const taskDefinition = new FargateTaskDefinition(stack, 'Task');
      taskDefinition.addContainer('App', { image: ContainerImage.fromRegistry('example/app') });
      const cluster = new Cluster(stack, 'Cluster', { vpc }) as ICluster;
      deployers.pauseHook(new FargateService(stack, 'Service', { cluster, taskDefinition }));
      deployers.lambdaHook();
      deployers.toLambdaPipelineAction();
    },
  });
}, 60_000);
afterAll(() => coordinator.stop());
beforeEach(async () => {
  const { messages, transitions, answers, waiting } = deployers();
  messages.length = 0;
  for (const known of [transitions, answers, waiting]) known.clear();
  await coordinator.query('DROP SCHEMA IF EXISTS lockstep CASCADE; DROP TABLE IF EXISTS public.a');
});

const deployers = () => coordinator.cloud.deployers;
const answerTo = async (id: string): Promise<string | undefined> => {
  await vi.waitUntil(() => deployers().answers.has(id), { timeout: 25_000 });
  return deployers().answers.get(id);
};
/** Messages of one run; those of the test before may still be on their way. */
const messagesOf = (run: string) => deployers().messages.filter(({ attributes }) => attributes.run === run);
const delivered = (run: string) =>
  vi.waitUntil(() => messagesOf(run).length > 0 && deployers().transitions.size > 0, { timeout: 25_000 });
const applied = () => coordinator.query("SELECT run_id FROM lockstep.entry WHERE kind = 'applied'");

describe('receivers of every verdict', () => {
  test('a topic gets a message that a person can act on, and the way into the stage is opened', async () => {
    const deployment = await coordinator.deploy(GOOD);
    const { name, outcome } = deployment.start({});
    expect(await outcome).toMatchObject({ status: 'SUCCEEDED' });
    await delivered(name);
    expect(messagesOf(name)[0]).toMatchObject({
      subject: `Lockstep: roll out ${coordinator.target}`,
      text: expect.stringContaining('What to do: Roll out.'),
      attributes: { run: name, signal: 'ROLL_OUT', outcome: 'applied' },
    });
    expect(deployers().transitions.get('release/Deploy')).toBe('enabled');
  });

  test('a run that fails says so, and closes the way', async () => {
    const { name, outcome } = (await coordinator.deploy(BAD)).start({});
    expect(await outcome).toMatchObject({ status: 'FAILED' });
    await delivered(name);
    expect(messagesOf(name)[0]?.text).toMatch(/^LS601: .*"public.missing" does not exist/);
    expect(deployers().transitions.get('release/Deploy')).toEqual({
      disabled: expect.stringContaining('LS601'),
    });
  });

  test('an event of a run that comes late does not set the switch back, and is still told to people', async () => {
    const deployment = await coordinator.deploy(BAD);
    const failed = deployment.start({});
    await failed.outcome;
    await vi.waitUntil(() => deployers().transitions.size > 0, { timeout: 25_000 });
    const [verdict] = coordinator.signalsOf(failed.name);
    const newer = (await coordinator.deploy(GOOD)).start({});
    await newer.outcome;
    await vi.waitUntil(() => deployers().transitions.get('release/Deploy') === 'enabled', {
      timeout: 25_000,
    });
    const late = { time: new Date(0).toISOString(), detail: verdict };
    expect(await deployment.functions.invoke('deliver-verdict', late)).toEqual({ told: ['topic'] });
    expect(deployers().transitions.get('release/Deploy')).toBe('enabled');
  });

  test('an event whose run this machine does not know is left alone', async () => {
    const deployment = await coordinator.deploy(GOOD);
    const run = deployment.start({});
    await run.outcome;
    await delivered(run.name);
    const [verdict] = coordinator.signalsOf(run.name);
    const forged = {
      time: new Date().toISOString(),
      detail: { ...verdict, run: 'forged', signal: 'ROLL_BACK' },
    };
    expect(await deployment.functions.invoke('deliver-verdict', forged)).toEqual({ told: [] });
    expect(deployers().transitions.get('release/Deploy')).toBe('enabled');
  });
});

const DEPLOYMENT = 'arn:aws:ecs:us-east-1:000000000000:service-deployment/apps/orders/Zx1';
let hooks = 0;

/** As ECS does it when a deployment reaches the hook. */
function reachHook(): { readonly hookId: string; readonly tell: () => Promise<void> } {
  hooks += 1;
  const hookId = `ecs-pause-${hooks}`;
  deployers().waiting.add(hookId);
  const detail = { eventType: 'INFO', eventName: 'HOOK_AWAITING_ACTION', serviceDeploymentArn: DEPLOYMENT };
  const resources = ['arn:aws:ecs:us-east-1:000000000000:service/apps/orders'];
  const event = { source: 'aws.ecs', detailType: 'ECS Hook State Change', detail, resources };
  return { hookId, tell: () => coordinator.cloud.eventBus.deliver(event) };
}

describe('a PAUSE hook of ECS', () => {
  test('gets a run of its own and goes on when everything is applied; an event that comes twice is one run', async () => {
    await coordinator.deploy(GOOD);
    const { hookId, tell } = reachHook();
    await Promise.all([tell(), tell()]);
    expect(await answerTo(hookId)).toBe('CONTINUE');
    const runs = await applied();
    expect(runs).toEqual([{ run_id: expect.stringMatching(/^ecs-Zx1-ecs-pause-/) }]);
    const run = String(runs[0]?.run_id);
    await delivered(run);
    // It does not wait any more: nobody is asked again, and no run is started.
    await tell();
    expect(messagesOf(run)).toHaveLength(1);
    expect(coordinator.signalsOf(run)).toHaveLength(1);
  });

  test('rolls its deployment back when the run fails', async () => {
    await coordinator.deploy(BAD);
    const { hookId, tell } = reachHook();
    await tell();
    expect(await answerTo(hookId)).toBe('ROLLBACK');
  });

  test('rolls back, too, when somebody stops the run: the clean-up tells', async () => {
    const deployment = await coordinator.deploy(SLOW);
    const hookId = 'ecs-pause-stopped';
    deployers().waiting.add(hookId);
    const input = { answerTo: [{ kind: 'ecs-pause-hook', serviceDeploymentArn: DEPLOYMENT, hookId }] };
    const run = deployment.start(input);
    await vi.waitUntil(
      async () =>
        (
          await coordinator.query(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
          )
        ).length > 0,
      { timeout: 20_000 },
    );
    run.abort();
    expect(await answerTo(hookId)).toBe('ROLLBACK');
  });
});

describe('deployers that call the function themselves', () => {
  test('a lifecycle hook of CodeDeploy is answered by its own run', async () => {
    const { functions } = await coordinator.deploy(GOOD);
    deployers().waiting.add('hook-1');
    const event = { DeploymentId: 'd-1', LifecycleEventHookExecutionId: 'hook-1' };
    expect(await functions.invoke('start-run', event)).toEqual({
      started: [expect.stringContaining(':codedeploy-d-1-hook-1-')],
    });
    expect(await answerTo('hook-1')).toBe('Succeeded');
  });

  test('a manual approval is approved or rejected by its own run', async () => {
    const { functions } = await coordinator.deploy(BAD);
    deployers().waiting.add('token-1');
    const approval = {
      pipelineName: 'release',
      stageName: 'Migrate',
      actionName: 'Approve',
      token: 'token-1',
      expires: '2026-12-01T00:00Z',
    };
    const Message = JSON.stringify({ region: 'us-east-1', approval });
    await functions.invoke('start-run', { Records: [{ EventSource: 'aws:sns', Sns: { Message } }] });
    expect(await answerTo('token-1')).toBe('Rejected');
  });

  test('any other event that a rule passes on starts one run, however often it comes', async () => {
    const { functions } = await coordinator.deploy(GOOD);
    const event = { id: 'e-1', source: 'app', 'detail-type': 'Release Published', detail: {} };
    const started = (await functions.invoke('start-run', event)) as { started: string[] };
    expect(await functions.invoke('start-run', event)).toEqual(started);
    const run = String(started.started[0]?.split(':').at(-1));
    await delivered(run);
    expect(await applied()).toEqual([{ run_id: run }]);
    expect(coordinator.signalsOf(run)).toHaveLength(1);
  });

  test('an event that asks for nothing starts nothing', async () => {
    const { functions } = await coordinator.deploy(GOOD);
    expect(await functions.invoke('start-run', { hello: 'world' })).toEqual({ started: [] });
  });
});

/** Asks until the answer is final. */
async function poll<Answer>(
  ask: () => Promise<Answer>,
  isFinal: (answer: Answer) => boolean,
): Promise<Answer> {
  return vi.waitFor(
    async () => {
      const answer = await ask();
      if (!isFinal(answer)) throw new Error(`not yet: ${JSON.stringify(answer)}`);
      return answer;
    },
    { timeout: 25_000, interval: 300 },
  );
}

interface HookAnswer {
  readonly hookStatus: string;
  readonly hookDetails?: { readonly run: string };
}

describe('deployers that ask again and again', () => {
  async function askAsEcs(files: Files, executionId: string): Promise<HookAnswer> {
    const { functions } = await coordinator.deploy(files);
    let hookDetails: HookAnswer['hookDetails'];
    return poll(
      async () => {
        const event = { executionId, resourceArn: DEPLOYMENT, lifecycleStage: 'PRE_SCALE_UP', hookDetails };
        const answer = (await functions.invoke('answer-ecs-hook', event)) as HookAnswer;
        hookDetails = answer.hookDetails;
        return answer;
      },
      ({ hookStatus }) => hookStatus !== 'IN_PROGRESS',
    );
  }

  test('a Lambda hook of ECS waits for its own run, and goes on when that succeeded', async () => {
    expect(await askAsEcs(GOOD, 'x-1')).toEqual({ hookStatus: 'SUCCEEDED' });
    expect(await applied()).toHaveLength(1);
  });

  test('and rolls back when it failed', async () => {
    expect(await askAsEcs(BAD, 'x-2')).toEqual({ hookStatus: 'FAILED' });
  });

  let jobs = 0;
  function job(token: string | undefined, parameters?: string) {
    jobs += 1;
    const id = `job-${jobs}`;
    deployers().waiting.add(id);
    const configuration = { FunctionName: 'f', ...(parameters ? { UserParameters: parameters } : {}) };
    const artifactCredentials = { accessKeyId: 'AKIA', secretAccessKey: 'canary', sessionToken: 'canary' };
    const data = {
      actionConfiguration: { configuration },
      inputArtifacts: [],
      outputArtifacts: [],
      artifactCredentials,
      ...(token === undefined ? {} : { continuationToken: token }),
    };
    return { id, event: { 'CodePipeline.job': { id, accountId: '000000000000', data } } };
  }

  async function runAsJobs({ functions }: Deployment, parameters?: string) {
    let token: string | undefined;
    return poll(
      async () => {
        const { id, event } = job(token, parameters);
        const { answer } = (await functions.invoke('answer-codepipeline-job', event)) as { answer: string };
        if (answer === 'running') token = deployers().jobDetails.get(id) as string;
        return { answer, details: deployers().jobDetails.get(id) };
      },
      ({ answer }) => answer !== 'running',
    );
  }

  test('a Lambda action of CodePipeline is told of its run, with output variables', async () => {
    expect(await runAsJobs(await coordinator.deploy(GOOD), '{"reason":"release 42"}')).toMatchObject({
      answer: 'succeeded',
      details: { outputVariables: { outcome: 'applied', appliedCount: '1' } },
    });
  });

  test('and fails with the words of the run', async () => {
    expect(await runAsJobs(await coordinator.deploy(BAD))).toMatchObject({
      answer: 'failed',
      details: { type: 'JobFailed', message: expect.stringMatching(/^LS601: /) },
    });
  });

  test('and at once, without a run, for parameters that are no input and for a token of somebody else', async () => {
    const deployment = await coordinator.deploy(GOOD);
    const before = coordinator.cloud.eventBus.events.length;
    expect(await runAsJobs(deployment, '{"toRevision":"abc"}')).toMatchObject({
      answer: 'failed',
      details: { message: 'UserParameters are not the input of a run.' },
    });
    const { event } = job('arn:aws:states:us-east-1:000000000000:execution:Other:1');
    expect(await deployment.functions.invoke('answer-codepipeline-job', event)).toEqual({ answer: 'failed' });
    expect(coordinator.cloud.eventBus.events).toHaveLength(before);
  });
});
