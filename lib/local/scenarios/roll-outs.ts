/** What the scenarios about roll-outs share: the service that is deployed, how it is followed, and what is seen of that. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Stack as CdkStack, Duration } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { AfterRollOutOptions } from '../../constructs/after-roll-out-options.ts';
import {
  EventType,
  type RollOutPolicy,
  type RollOutProgress,
  type Verdict,
} from '../../core/rollout/index.ts';
import { RollOutStateName } from '../../core/workflow/index.ts';
import { leaseIsFree } from '../demo/ledger.ts';
import type { Files } from '../demo/releases.ts';
import { endOf, type Run, type Stage, startRun } from '../demo/stage.ts';
import { list } from '../demo/words.ts';
import type { ExecutionOutcome, LocalExecution } from '../state-machine.ts';
import type { StackOptions } from '../synthesize.ts';
import { RENAMING } from './releases.ts';
import { checkEnd, checkList, entriesOf, release, showVerdict } from './scenes.ts';

export const ALARM = 'errors';
const [CLUSTER, SERVICE] = ['apps', 'orders'];

export const followed = (
  policy: RollOutPolicy,
  more: (stack: CdkStack) => Partial<AfterRollOutOptions> = () => ({}),
): StackOptions => ({
  afterRollOut: (stack) => ({
    follow: { service: { serviceName: SERVICE, cluster: { clusterName: CLUSTER } } },
    alarms: [Alarm.fromAlarmName(stack, 'Errors', ALARM)],
    bakeTime: Duration.seconds(2),
    policy,
    ...more(stack),
  }),
});

export interface RollingOut {
  readonly run: Run;
  readonly follower: LocalExecution;
  /** ARN of the service's deployment, which is under way and has been seen. */
  readonly deployment: string;
}

/** Migrates, but for what is to be contracted later, and signals roll out; then the service is deployed. */
export async function rollOut(stage: Stage, files: Files = RENAMING): Promise<RollingOut> {
  const { cloud } = stage.runtime;
  const { bundleFile } = await release(stage, 'new-version', files);
  const functions = cloud.deploy(bundleFile);
  cloud.observeBegun(stage.narrator.states('follower'));
  const run = await endOf(stage, functions, startRun(stage, functions));
  showVerdict(stage, run);
  checkEnd(stage, run, 'SUCCEEDED', 'Roll Out');
  const [follower] = cloud.begun;
  if (!follower) throw new Error('Nothing follows the roll-out');
  await untilSeen(follower, 'awaited');
  stage.narrator.tell('ECS', 'begins to deploy the new version');
  const deployment = cloud.deployers.deployments.deployService(CLUSTER, SERVICE);
  await untilSeen(follower, 'under-way');
  return { run, follower, deployment };
}

async function untilSeen(follower: LocalExecution, status: RollOutProgress['status']): Promise<void> {
  let end: ExecutionOutcome | undefined;
  void follower.outcome.then((outcome) => {
    end = outcome;
  });
  const isSeen = () =>
    follower.events.some(
      (event) =>
        event.kind === 'exited' &&
        event.state === RollOutStateName.AwaitRollOut &&
        (event.output as { readonly rollOut: RollOutProgress }).rollOut.status === status,
    );
  while (!isSeen()) {
    if (end) throw new Error(`The roll-out was no longer followed (${end.status}) before it was ${status}`);
    await sleep(50);
  }
}

/** That the old version runs again, everybody was told, and the lease is free; and what the ledger is to have. */
export async function checkSentBack(
  stage: Stage,
  { run, follower, deployment }: RollingOut,
  entries: readonly string[],
): Promise<void> {
  const { promises, runtime } = stage;
  const outcome = await follower.outcome;
  const told = runtime.cloud.eventBus.events.filter(({ detail }) => (detail as Verdict).run === run.name);
  const verdict = told.at(-1)?.detail as Verdict;
  stage.narrator.tell('verdict', `${verdict.message} ${verdict.state} ${verdict.next}`);
  promises.check('the execution that followed it failed', outcome.status === 'FAILED', outcome.status);
  const status = runtime.cloud.deployers.deployments.statusOf(deployment);
  promises.check('the old version runs', status === 'ROLLBACK_SUCCESSFUL', status);
  promises.check(
    'roll back was signalled after roll out, with LS706',
    told.map(({ detailType }) => detailType).join() === [EventType.rollOut, EventType.rollBack].join() &&
      verdict.error?.code === 'LS706',
    `${list(told.map(({ detailType }) => detailType))}; ${verdict.error?.code}`,
  );
  checkList(stage, 'the ledger has what the verdict says', await entriesOf(stage), entries);
  promises.check('the lease is free', await leaseIsFree(stage));
}
