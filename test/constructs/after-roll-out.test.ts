/** What exists after a roll-out, what it may do, and what its state machine does with the answers of its tasks. */
import validate from 'asl-validator';
import { Duration } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { Alarm, CompositeAlarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { beforeAll, describe, expect, test } from 'vitest';
import { ErrorName } from '../../lib/core/errors/index.ts';
import { UNASKED } from '../../lib/core/restore-point/index.ts';
import { NEW_ROLL_OUT, type RollOutProgress, verdictSchema } from '../../lib/core/rollout/index.ts';
import { RollOutStateName as R, StateName as S } from '../../lib/core/workflow/index.ts';
import type { AfterRollOutOptions } from '../../lib/index.ts';
import {
  auroraStack,
  coordinatorStack,
  deployersStack,
  ERRORS_ALARM,
  inIsolatedSubnets,
  SYNTHESIS_MS,
} from './stacks.ts';
import { printed, rightsOf } from './statements.ts';
import {
  APPLIED,
  definition,
  FAILED,
  failing,
  followedDefinition,
  followedToRestoreDefinition,
  followingDefinition,
  planned,
  RUN,
  restoringDefinition,
  runMachine,
  TOPIC_ARN,
} from './workflow-machine.ts';

const HERE = '<Region>:<AccountId>';
const SERVICE = `arn:<Partition>:ecs:${HERE}:service/apps/orders`;
const DEPLOYMENTS = `arn:<Partition>:ecs:${HERE}:service-deployment/apps/orders/*`;
const GROUP = 'arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:orders/web';

const GROUP_TO_FOLLOW = {
  deploymentGroup: {
    deploymentGroupName: 'web',
    deploymentGroupArn: GROUP,
    application: { applicationName: 'orders' },
  },
};
const FOLLOW = { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } };

const following = (afterRollOut: AfterRollOutOptions): Template =>
  coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), afterRollOut })).template;

let template: Template;
/** Of CodeDeploy, with everything off that can be. */
let small: Template;
beforeAll(() => {
  template = deployersStack().template;
  small = following({
    follow: GROUP_TO_FOLLOW,
    policy: 'none',
    contract: false,
  });
}, SYNTHESIS_MS);

describe('the rights of a role, and no more', () => {
  const common = (role: string) => [
    `Allow logs:CreateLogStream logs:PutLogEvents on <${role.replace('Role', 'Logs')}.Arn>`,
    'Allow xray:PutTelemetryRecords xray:PutTraceSegments on *',
  ];
  const LOOKS = 'AfterRollOutawaitrolloutRole';
  const STOPS = 'AfterRollOutstoprolloutRole';

  test('to look at the deployments of the one service, and to stop one of them', () => {
    expect(rightsOf(template, LOOKS)).toEqual(
      [
        ...common(LOOKS),
        `Allow ecs:ListServiceDeployments on ${SERVICE}`,
        `Allow ecs:DescribeServiceDeployments on ${DEPLOYMENTS}`,
      ].toSorted(),
    );
    expect(rightsOf(template, STOPS)).toEqual(
      [
        ...common(STOPS),
        `Allow ecs:DescribeServiceDeployments ecs:StopServiceDeployment on ${DEPLOYMENTS}`,
      ].toSorted(),
    );
  });

  test('to look at the deployments of the one group, and no function to stop one where none is stopped', () => {
    expect(rightsOf(small, LOOKS)).toEqual(
      [
        ...common(LOOKS),
        `Allow codedeploy:GetDeployment codedeploy:GetDeploymentGroup on ${GROUP}`,
      ].toSorted(),
    );
    expect(rightsOf(small, STOPS)).toEqual([]);
  });

  const ofMachine = (from: Template) =>
    rightsOf(from, 'AfterRollOutStateMachineRole').filter((line) => !/logs:|xray:/.test(line));

  test('of the machine: its functions, the alarms, the signal, and the workflow', () => {
    expect(ofMachine(template)).toEqual([
      `Allow cloudwatch:DescribeAlarms on ${ERRORS_ALARM}`,
      `Allow events:PutEvents on arn:<Partition>:events:${HERE}:event-bus/default if StringEquals events:source lockstep`,
      'Allow lambda:InvokeFunction on <AfterRollOutawaitrolloutFunction.Arn> and <AfterRollOutstoprolloutFunction.Arn> and <acquireleaseFunction.Arn> and <planFunction.Arn> and <releaseleaseFunction.Arn> and <rollbackFunction.Arn>',
      'Allow states:StartExecution on <StateMachine>',
    ]);
    expect(ofMachine(small)).toEqual([
      'Allow lambda:InvokeFunction on <AfterRollOutawaitrolloutFunction.Arn> and <rollbackFunction.Arn>',
    ]);
  });

  test('the workflow may start the other machine, by its name', () => {
    const start =
      /^Allow states:StartExecution on arn:<Partition>:states:<Region>:<AccountId>:stateMachine:(\S+)$/;
    const [name] = rightsOf(template, 'StateMachineRole').flatMap((line) => start.exec(line)?.[1] ?? []);
    const names = Object.values(template.findResources('AWS::StepFunctions::StateMachine')).map(
      ({ Properties }) => Properties.StateMachineName,
    );
    expect(names).toContain(name);
  });

  test('who waits for the lease sees whether the execution that holds it is still there, if that can hold it', () => {
    const describes = `Allow states:DescribeExecution on arn:<Partition>:states:${HERE}:execution:<AfterRollOutStateMachine.Name>:*`;
    expect(rightsOf(template, 'acquireleaseRole')).toContain(describes);
    expect(rightsOf(small, 'acquireleaseRole')).not.toContain(describes);
  });

  test('of composite alarms, which CloudWatch shows only to who may see all; and to stop a deployment of the group', () => {
    const { template: composite } = coordinatorStack((stack) => {
      const alarmRule = Alarm.fromAlarmArn(stack, 'Errors', ERRORS_ALARM);
      const alarms: IAlarm[] = [new CompositeAlarm(stack, 'All', { alarmRule })];
      return { ...inIsolatedSubnets(stack), afterRollOut: { follow: GROUP_TO_FOLLOW, alarms } };
    });
    expect(ofMachine(composite)).toContain('Allow cloudwatch:DescribeAlarms on *');
    expect(rightsOf(composite, STOPS)).toEqual(
      [...common(STOPS), `Allow codedeploy:StopDeployment on ${GROUP}`].toSorted(),
    );
  });
});

describe('what nobody asks for does not exist', () => {
  test('without the option there is one machine, and none of its states and functions', () => {
    const { template: common } = auroraStack();
    common.resourceCountIs('AWS::StepFunctions::StateMachine', 1);
    expect(JSON.stringify(common.toJSON())).not.toMatch(
      /roll-?out to follow|follow roll-out|awaitrollout|RollOutError/i,
    );
  });

  test('nothing is there to bring a restore point back with, unless that is the policy', () => {
    const text = JSON.stringify(template.toJSON());
    expect(text).not.toMatch(/restore-?database|lockstep-restored|Ask whether to restore|rds:RestoreDB/i);
    expect(text).not.toContain('restoration');
  });

  test('contract migrations are left to later exactly where there is a later', () => {
    const phases = (from: Template) =>
      new Set(
        Object.values(from.findResources('AWS::Lambda::Function')).flatMap(
          ({ Properties }) => Properties.Environment?.Variables.LOCKSTEP_DEFAULT_PHASE ?? [],
        ),
      );
    expect([...phases(template)]).toEqual(['expand']);
    expect([...phases(small)]).toEqual([]);
  });

  test('an alarm says that a roll-out failed, with its page of the runbook', () => {
    const descriptions = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
      ({ Properties }) => Properties.AlarmDescription,
    );
    expect(descriptions).toContainEqual(
      expect.stringMatching(/could not be followed\. .*#alarm-roll-out-failed$/),
    );
  });

  test('what is followed is in the machine, by its names', () => {
    const machines = Object.entries(small.findResources('AWS::StepFunctions::StateMachine'));
    const [, machine] = machines.find(([id]) => id.includes('AfterRollOut')) ?? [];
    expect(printed(machine?.Properties.DefinitionString)).toContain(
      '"follow":{"kind":"codedeploy-group","application":"orders","group":"web"}',
    );
  });
});

describe('is refused at synth', () => {
  test.each<[AfterRollOutOptions, RegExp]>([
    [{ follow: FOLLOW, bakeTime: Duration.hours(25) }, /bakeTime is longer than 24 hours/],
    [{ follow: FOLLOW, timeout: Duration.seconds(30) }, /timeout is not between 1 minute and 24 hours/],
    [{ follow: FOLLOW, timeout: Duration.hours(25) }, /timeout is not between 1 minute and 24 hours/],
  ])('what takes too long', (options, message) => {
    expect(() => following(options)).toThrow(message);
  });
});

describe('the workflow, where roll-outs are followed', () => {
  test('is else the one that it is without', () => {
    const { [S.RollOutToFollow]: toFollow, [S.FollowRollOut]: follow, ...others } = followedDefinition.States;
    expect([toFollow, follow]).not.toContain(undefined);
    const text = JSON.stringify(others).replaceAll(`"${S.RollOutToFollow}"`, `"${S.SignalRollOut}"`);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(definition.States)));
  });

  test('begins to follow before it signals, with an execution that is named after the run', async () => {
    const { visited, inputs } = await runMachine(
      { [S.Plan]: [planned('nothing-pending', APPLIED)] },
      followedDefinition,
    );
    expect(visited).toEqual([
      S.Plan,
      S.AnythingPending,
      S.RollOutToFollow,
      S.FollowRollOut,
      S.SignalRollOut,
      S.Succeeded,
    ]);
    expect(inputs[S.FollowRollOut]).toMatchObject([
      {
        Name: expect.stringMatching(/^roll-out-[0-9a-f]{32}$/),
        Input: { followed: RUN, request: {}, bundle: null, rollOut: NEW_ROLL_OUT, stopError: null },
      },
    ]);
  });

  test('signals roll out only if it could begin', async () => {
    const { visited } = await runMachine(
      { [S.FollowRollOut]: [failing('StepFunctions.AWSStepFunctionsException')] },
      followedDefinition,
    );
    expect(visited).not.toContain(S.SignalRollOut);
    expect(visited).toContain(S.SignalRollBack);
  });

  test('follows nothing after a run that only contracts', async () => {
    const state = planned('nothing-pending', APPLIED);
    const contract = { ...state, plan: { ...state.plan, phase: 'contract' } };
    const { visited } = await runMachine({ [S.Plan]: [contract] }, followedDefinition);
    expect(visited).toEqual([S.Plan, S.AnythingPending, S.RollOutToFollow, S.SignalRollOut, S.Succeeded]);
  });
});

const INPUT = {
  followed: { id: 'the-run', execution: 'arn', startedAt: '2026-01-01T00:00:00Z' },
  request: { reason: 'release 12' },
  bundle: { key: 'orders/12' },
  rollOut: NEW_ROLL_OUT,
  lease: { acquired: false, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds: 0 },
  stopError: null,
};
const found = (status: RollOutProgress['status'], runs: RollOutProgress['runs'] = 'unknown') => ({
  ...NEW_ROLL_OUT,
  status,
  runs,
  waitSeconds: 1,
  reason: 'the alarm a rang',
});
const run = (answers: object, machine = followingDefinition()) =>
  runMachine({ [R.LookAtAlarms]: [{ MetricAlarms: [] }], ...answers }, machine, INPUT);
/** States after the last look. */
const afterwards = (visited: readonly string[]) => visited.slice(visited.lastIndexOf(R.RollOutSettled) + 1);
const SENT_BACK = [found('under-way'), found('unhealthy'), found('sent-back', 'old')];
const STOPPED = { [R.StopRollOut]: [found('going-back')] };

describe('the machine that follows a roll-out', () => {
  test.each([
    ['every option', followingDefinition()],
    ['the code alone sent back', followingDefinition({ policy: 'code-only' })],
    ['a person asked whether to restore', restoringDefinition()],
    ['nothing at all done', followingDefinition({ policy: 'none', alarmNames: [], contractWith: undefined })],
  ])('is valid, with %s, and explains every state', (_, machine) => {
    const given = structuredClone(machine);
    expect(validate(given as never, { checkPaths: true, checkArn: true })).toMatchObject({ isValid: true });
    for (const [name, { Comment }] of Object.entries(machine.States))
      expect(Comment, name).toMatch(/^[A-Z].{15,}\.$/);
  });

  test('has every state that lib/core names for it', () => {
    const all = [followingDefinition(), restoringDefinition()].flatMap(({ States }) => Object.keys(States));
    expect(all).toEqual(expect.arrayContaining(Object.values(R)));
  });

  test('looks at the alarms before each look at the deployment, and has a healthy one contracted', async () => {
    const { visited, inputs, output } = await run({
      [R.AwaitRollOut]: [found('under-way'), found('healthy', 'new')],
      [R.PlanContract]: [{ outcome: 'pending', plan: {} }],
    });
    const look = [R.LookAtAlarms, R.AwaitRollOut, R.RollOutSettled];
    expect(visited).toEqual([
      ...look,
      R.WaitForRollOut,
      ...look,
      R.PlanContract,
      R.AnythingToContract,
      R.StartContract,
      S.Succeeded,
    ]);
    expect(inputs[R.AwaitRollOut]?.[1]).toMatchObject({ run: RUN, rollOut: found('under-way'), alarms: {} });
    const asked = {
      phase: 'contract',
      bundle: INPUT.bundle,
      reason: 'the roll-out after the run the-run is healthy',
    };
    expect(inputs[R.PlanContract]).toEqual([{ run: RUN, request: asked }]);
    expect(inputs[R.StartContract]).toMatchObject([
      { Name: expect.stringMatching(/^contract-[0-9a-f]{32}$/), Input: asked },
    ]);
    expect(output).toEqual(found('healthy', 'new'));
  });

  test('starts no run where there is nothing to contract', async () => {
    const answers = {
      [R.AwaitRollOut]: [found('healthy')],
      [R.PlanContract]: [{ outcome: 'nothing-pending' }],
    };
    const { visited } = await run(answers);
    expect(afterwards(visited)).toEqual([R.PlanContract, R.AnythingToContract, S.Succeeded]);
  });

  test('waits a while for older instances to go, and says so when they do not', async () => {
    const answers = { [R.AwaitRollOut]: [found('healthy')], [R.PlanContract]: [failing(ErrorName.Contract)] };
    const { visited, inputs, error } = await run(answers);
    expect(inputs[R.PlanContract]).toHaveLength(11);
    expect(visited.at(-1)).toBe(R.FailedUncontracted);
    expect(error).toBeDefined();
  });

  test('sends an unhealthy one back, reverts when the old version runs, and tells', async () => {
    const { visited, inputs } = await run({
      ...STOPPED,
      [R.AwaitRollOut]: SENT_BACK,
      [S.AcquireLease]: [{ acquired: false, waitSeconds: 1 }, { acquired: true }],
    });
    expect(visited.filter((state) => state === R.StopRollOut)).toHaveLength(1);
    expect(afterwards(visited)).toEqual([
      ...[S.AcquireLease, S.LeaseObtained, S.WaitForLease, S.AcquireLease, S.LeaseObtained],
      ...[S.RollBack, S.ReleaseLease, S.SignalRollBack, S.Failed],
    ]);
    expect(inputs[S.RollBack]).toMatchObject([
      {
        run: RUN,
        followed: { id: 'the-run' },
        request: INPUT.request,
        rollOut: found('sent-back', 'old'),
        policy: 'down',
        stopError: null,
      },
    ]);
    expect(inputs[S.SignalRollBack]).toMatchObject([
      { Entries: [{ DetailType: 'Lockstep Roll Back', Detail: FAILED }] },
    ]);
  });

  test('takes no lease while the new version may run, nor if the schema is to stay', async () => {
    const newRuns = await run({
      ...STOPPED,
      [R.AwaitRollOut]: [found('unhealthy'), found('sent-back', 'new')],
    });
    expect(afterwards(newRuns.visited)).toEqual([S.RollBack, S.ReleaseLease, S.SignalRollBack, S.Failed]);
    const codeOnly = followingDefinition({ policy: 'code-only' });
    const stays = await run({ ...STOPPED, [R.AwaitRollOut]: SENT_BACK }, codeOnly);
    expect(afterwards(stays.visited)).toEqual([S.RollBack, S.SignalRollBack, S.Failed]);
    expect(Object.keys(codeOnly.States)).not.toContain(S.AcquireLease);
  });

  test('touches nothing, and tells nobody, with the policy none', async () => {
    const { visited } = await run(
      { [R.AwaitRollOut]: [found('unhealthy')] },
      followingDefinition({ policy: 'none' }),
    );
    expect(afterwards(visited)).toEqual([S.RollBack, S.Failed]);
  });

  test('does nothing about a roll-out that it cannot see', async () => {
    const { visited } = await run({ [R.AwaitRollOut]: [failing(ErrorName.RollOut)] });
    expect(visited).toEqual([R.LookAtAlarms, R.AwaitRollOut, R.FailedUnfollowed]);
    const alarms = await run({ [R.LookAtAlarms]: [failing('CloudWatch.CloudWatchException')] });
    expect(alarms.visited).toEqual([R.LookAtAlarms, R.FailedUnfollowed]);
  });

  test.each([
    ['the deployment cannot be stopped', { [R.StopRollOut]: [failing(ErrorName.RollOut)] }],
    ['the lease is not obtained', { [S.AcquireLease]: [failing(ErrorName.LeaseUnavailable)] }],
    ['the roll back fails', { [S.RollBack]: [failing('Lambda.Unknown')] }],
    ['the lease is not released', { [S.ReleaseLease]: [failing(ErrorName.LeaseStore)] }],
  ])('signals roll back also when %s', async (_, failure) => {
    const { visited, inputs } = await run({
      ...STOPPED,
      [R.AwaitRollOut]: SENT_BACK,
      [S.AcquireLease]: [{ acquired: true }],
      ...failure,
    });
    expect(visited.slice(-2)).toEqual([S.SignalRollBack, S.Failed]);
    const [{ Entries: [{ Detail }] = [{}] }] = inputs[S.SignalRollBack] as [
      { Entries: [{ Detail: unknown }] },
    ];
    if (visited.includes(S.RollBackFailed)) {
      expect(verdictSchema.parse(Detail)).toMatchObject({
        run: 'the-run',
        error: { code: 'LS706' },
        message: expect.stringContaining('the alarm a rang'),
      });
    } else expect(Detail).toEqual(FAILED);
  });
});

describe('the machine, where a person may have the restore point brought back', () => {
  const INPUT_TO_RESTORE = { ...INPUT, restorePoint: { status: 'available', id: 'a' }, restoration: UNASKED };
  const at = (status: string, more: object = {}) => ({
    followed: INPUT.followed,
    restorePoint: INPUT_TO_RESTORE.restorePoint,
    verdict: { ...FAILED, state: status },
    restoration: { status, waitSeconds: 1, ...more },
  });
  const ASKING = at('asking', { request: { subject: 'Restore?', before: "TOKEN='", after: "'" } });
  const restoring = (answers: object) =>
    runMachine(
      { [R.LookAtAlarms]: [{ MetricAlarms: [] }], ...STOPPED, [R.AwaitRollOut]: SENT_BACK, ...answers },
      restoringDefinition(),
      INPUT_TO_RESTORE,
    );
  const look = [R.RestoreDatabase, R.DatabaseRestored];

  test('is told of the restore point, and only then', async () => {
    const begun = (definition: typeof followedDefinition) =>
      runMachine({ [S.Plan]: [planned('nothing-pending', APPLIED)] }, definition);
    const { inputs } = await begun(followedToRestoreDefinition);
    const { restorePoint } = planned('nothing-pending', APPLIED);
    expect(inputs[S.FollowRollOut]).toMatchObject([{ Input: { restorePoint, restoration: UNASKED } }]);
    const [without] = (await begun(followedDefinition)).inputs[S.FollowRollOut] as [{ Input: object }];
    expect(without.Input).not.toHaveProperty('restorePoint');
    expect(without.Input).not.toHaveProperty('restoration');
  });

  test('signals roll back first, asks, waits for the new database, and signals that', async () => {
    const { visited, inputs } = await restoring({
      [R.RestoreDatabase]: [ASKING, at('restoring'), at('restored')],
      [R.AskForRestore]: [{ by: 'Ann' }],
    });
    expect(afterwards(visited)).toEqual([
      ...[S.RollBack, S.SignalRollBack],
      ...[...look, R.AskForRestore],
      ...[...look, R.WaitForRestore],
      ...[...look, R.SignalRestore, S.Failed],
    ]);
    expect(inputs[S.RollBack]).toMatchObject([{ policy: 'restore' }]);
    expect(inputs[S.SignalRollBack]).toMatchObject([{ Entries: [{ Detail: FAILED }] }]);
    expect(inputs[R.SignalRestore]).toMatchObject([
      { Entries: [{ DetailType: 'Lockstep Roll Back', Detail: { state: 'restored' } }] },
    ]);
    expect(inputs[R.AskForRestore]).toMatchObject([
      { TopicArn: TOPIC_ARN, Subject: 'Restore?', Message: expect.stringMatching(/^TOKEN='.+'$/) },
    ]);
    expect(inputs[R.RestoreDatabase]?.[1]).toMatchObject({
      run: RUN,
      followed: INPUT.followed,
      restoration: { status: 'asking', answer: { by: 'Ann' } },
    });
  });

  test('whatever is no approval reaches the function as a failure, and its verdict is signalled', async () => {
    const { visited, inputs } = await restoring({
      [R.RestoreDatabase]: [ASKING, at('not-restored')],
      [R.AskForRestore]: [failing('States.Timeout')],
    });
    expect(visited.slice(-4)).toEqual([...look, R.SignalRestore, S.Failed]);
    expect(inputs[R.RestoreDatabase]?.[1]).toMatchObject({
      restoration: { status: 'asking', failure: { Error: 'States.Timeout' } },
    });
  });

  test('nobody is asked, and nothing more is signalled, of a run without a restore point', async () => {
    const { visited } = await restoring({ [R.RestoreDatabase]: [at('none')] });
    expect(afterwards(visited)).toEqual([S.RollBack, S.SignalRollBack, ...look, S.Failed]);
  });

  test('that the function fails ends it after roll back was signalled', async () => {
    const { visited } = await restoring({ [R.RestoreDatabase]: [failing('Lambda.Unknown')] });
    expect(afterwards(visited)).toEqual([
      S.RollBack,
      S.SignalRollBack,
      R.RestoreDatabase,
      R.FailedUnrestored,
    ]);
  });
});
