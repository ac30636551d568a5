/** The state machine's text, and a way to run it with stand-ins for what its tasks call. */
import { Duration } from 'aws-cdk-lib';
import { type RunOptions, StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { expect } from 'vitest';
import {
  ROLL_OUT_TASKS,
  type RollOutDefinition,
  type RollOutDefinitionProps,
  type RollOutTask,
  rollOutDefinition,
} from '../../lib/constructs/roll-out-definition.ts';
import { type AslDefinition, workflowDefinition } from '../../lib/constructs/workflow-definition.ts';
import {
  FUNCTION_NAMES,
  type FunctionName,
  REHEARSAL_FUNCTION_NAMES,
  type RehearsalFunctionName,
  type RollOutStateName,
  StateName,
} from '../../lib/core/workflow/index.ts';
import { adaptDefinition } from '../../lib/local/adapt-definition.ts';

const perTask = <T>(make: (name: RollOutTask) => T) =>
  Object.fromEntries(ROLL_OUT_TASKS.map((name) => [name, make(name)])) as Record<RollOutTask, T>;
const perFunction = <T>(make: (name: FunctionName) => T) =>
  Object.fromEntries(FUNCTION_NAMES.map((name) => [name, make(name)])) as Record<FunctionName, T>;

const perRehearsalFunction = <T>(make: (name: RehearsalFunctionName) => T) =>
  Object.fromEntries(REHEARSAL_FUNCTION_NAMES.map((name) => [name, make(name)])) as Record<
    RehearsalFunctionName,
    T
  >;

const PROPS = {
  functionArns: perFunction((name) => `arn:aws:lambda:us-east-1:111122223333:function:${name}`),
  functionTimeouts: perFunction(() => Duration.minutes(1)),
  partition: 'aws',
  eventBusName: 'default',
  target: 'orders-production',
  runTimeout: Duration.hours(1),
};

export const definition: AslDefinition = workflowDefinition(PROPS);

const LONG_RUNNING = {
  clusterArn: 'arn:aws:ecs:us-east-1:111122223333:cluster/migrations',
  taskDefinitionArn: 'arn:aws:ecs:us-east-1:111122223333:task-definition/migrations:1',
  subnetIds: ['subnet-1', 'subnet-2'],
  securityGroupIds: ['sg-1'],
  timeout: Duration.hours(4),
};

/** With tasks for long work. */
export const longRunningDefinition: AslDefinition = workflowDefinition({
  ...PROPS,
  longRunning: LONG_RUNNING,
});
const followRollOut = {
  stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:after-roll-out',
  restores: false,
};

/** With roll-outs that are followed. */
export const followedDefinition: AslDefinition = workflowDefinition({ ...PROPS, followRollOut });

/** Where a person may have the restore point brought back. */
export const followedToRestoreDefinition: AslDefinition = workflowDefinition({
  ...PROPS,
  followRollOut: { ...followRollOut, restores: true },
});

/** The machine that follows a roll-out. */
export const followingDefinition = (given: Partial<RollOutDefinitionProps> = {}): RollOutDefinition =>
  rollOutDefinition({
    functionArns: perTask((name) => `arn:aws:lambda:us-east-1:111122223333:function:${name}`),
    functionTimeouts: perTask(() => Duration.minutes(1)),
    partition: 'aws',
    eventBusName: 'default',
    target: 'orders-production',
    follow: { kind: 'ecs-service', cluster: 'apps', service: 'orders' },
    limits: { timeoutSeconds: 3600, bakeSeconds: 600, lookSeconds: 60 },
    policy: 'down',
    alarmNames: ['errors'],
    contractWith: 'arn:aws:states:us-east-1:111122223333:stateMachine:coordinator',
    timeout: Duration.hours(4),
    ...given,
  });

/** The same with the policy `restore`. */
export const restoringDefinition = (): RollOutDefinition =>
  followingDefinition({ policy: 'restore', restore: APPROVAL });

export const TOPIC_ARN = 'arn:aws:sns:us-east-1:111122223333:approvals';

const APPROVAL = { topicArn: TOPIC_ARN, timeout: Duration.minutes(20) };

/** With plans that wait for a person. */
export const approvalDefinition: AslDefinition = workflowDefinition({
  ...PROPS,
  approval: APPROVAL,
});

const report = {
  functionArn: 'arn:aws:lambda:us-east-1:111122223333:function:keep-report',
  timeout: Duration.minutes(1),
};

/** With a report of each run. */
export const reportDefinition: AslDefinition = workflowDefinition({ ...PROPS, report });

const REHEARSAL = {
  functionArns: perRehearsalFunction((name) => `arn:aws:lambda:us-east-1:111122223333:function:${name}`),
  functionTimeouts: perRehearsalFunction(() => Duration.minutes(1)),
};

/** With rehearsals on copies. */
export const rehearsalDefinition: AslDefinition = workflowDefinition({
  ...PROPS,
  longRunning: LONG_RUNNING,
  rehearsal: REHEARSAL,
  followRollOut,
  report,
});

/** With everything but copies. */
export const withoutRehearsalDefinition: AslDefinition = workflowDefinition({
  ...PROPS,
  longRunning: LONG_RUNNING,
  approval: APPROVAL,
  followRollOut,
  report,
});

/** With everything but what comes between the plan and the restore point. */
export const withoutApprovalDefinition: AslDefinition = workflowDefinition({
  ...PROPS,
  longRunning: LONG_RUNNING,
  followRollOut,
  report,
});

/** With everything that can be asked for. */
export const fullDefinition: AslDefinition = workflowDefinition({
  ...PROPS,
  longRunning: LONG_RUNNING,
  approval: APPROVAL,
  rehearsal: REHEARSAL,
  followRollOut,
  report,
});

export const TASK_TOKEN = 'AQCAAAAAKgAAAAMAAAAA';
export const RUN_ID = 'run-1';
const EXECUTION_ARN = 'arn:aws:states:us-east-1:111122223333:execution:coordinator:run-1';
/** As the tasks get it; the machine itself sets the time. */
export const RUN = { id: RUN_ID, execution: EXECUTION_ARN, startedAt: expect.any(String) as string };

const NOT_STARTED = { outcome: 'not-started', calls: 0, appliedCount: 0 };
const PLAN = { pendingCount: 2, bundle: null };
const TAKEN = { status: 'available', id: 'lockstep-1', waitSeconds: 0, waitedSeconds: 0 };

/** What Plan answers; the fields that the machine does not look at are left out. */
export const planned = (outcome: string, verdict: object | null = null) => ({
  run: {},
  outcome,
  plan: PLAN,
  restorePoint: { status: 'requested', id: null, waitSeconds: 0, waitedSeconds: 0 },
  lease: { acquired: false, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds: 0 },
  progress: NOT_STARTED,
  verdict,
});

export const migrated = (outcome: 'more' | 'applied', verdict: object | null, more: object = {}) => ({
  run: {},
  plan: PLAN,
  restorePoint: TAKEN,
  progress: { outcome, calls: 1, appliedCount: 2, ...more },
  verdict,
});

export const APPLIED = { outcome: 'applied', signal: 'ROLL_OUT' };
export const FAILED = {
  outcome: 'failed',
  signal: 'ROLL_BACK',
  error: { name: 'MigrationFailedError', code: 'LS601', message: 'no' },
  message: '0002_x failed.',
  state: 'Nothing is applied.',
  next: 'Correct 0002_x.',
};

export const failing = (name: string) => (): never => {
  throw Object.assign(new Error(`thrown as ${name}`), { name });
};

type Answer = unknown | ((input: unknown) => unknown);
/** Answers by state, one after the other; the last one goes on being given. */
export type Answers = Partial<Record<StateName | RollOutStateName, readonly Answer[]>>;

const HAPPY: Answers = {
  [StateName.Plan]: [planned('pending')],
  [StateName.TakeRestorePoint]: [TAKEN],
  [StateName.AcquireLease]: [{ acquired: true }],
  [StateName.Migrate]: [migrated('applied', APPLIED)],
  [StateName.RollBack]: [FAILED],
};

export interface Finished {
  readonly visited: readonly string[];
  /** What each task was given, in order. */
  readonly inputs: Readonly<Record<string, readonly unknown[]>>;
  readonly output: unknown;
  readonly error: Error | undefined;
}

/** Runs the machine; waits and retries take no time. */
export async function runMachine(
  answers: Answers = {},
  machine: { readonly States: object } = definition,
  input: object = {},
): Promise<Finished> {
  const names = Object.keys(machine.States);
  const inputs: Record<string, unknown[]> = Object.fromEntries(names.map((name) => [name, []]));
  const all = { ...HAPPY, ...answers };
  const answer = (state: string) => (input: unknown) => {
    const given = inputs[state] as unknown[];
    given.push(input);
    const list = all[state as StateName] ?? [{}];
    const next = list[Math.min(given.length, list.length) - 1];
    return typeof next === 'function' ? next(input) : next;
  };
  const { definition: runnable } = adaptDefinition(machine as unknown as StateMachineDefinition);
  const run = new StateMachine(runnable).run(input as never, {
    context: { Execution: { Id: EXECUTION_ARN, Name: RUN_ID }, Task: { Token: TASK_TOKEN } } as NonNullable<
      RunOptions['context']
    >,
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(
        names.map((name) => [name, async (i: unknown) => answer(name)(i)]),
      ) as never,
      waitTimeOverrides: Object.fromEntries(names.map((name) => [name, 0])),
      retryIntervalOverrides: Object.fromEntries(names.map((name) => [name, 0])),
    },
  });
  const visited: string[] = [];
  const watching = (async () => {
    for await (const event of run.eventLogs) {
      if (event.type === 'StateEntered') visited.push(event.state.name);
    }
  })();
  let error: Error | undefined;
  const output = await run.result.catch((thrown: Error) => {
    error = thrown;
  });
  await watching;
  return { visited, inputs, output, error };
}
