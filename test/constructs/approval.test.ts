/** Plans that wait for a person: what the construct makes for it, and what the state machine does with answers. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StateName as S } from '../../lib/core/workflow/index.ts';
import { codeBlocks } from '../docs/markdown.ts';
import { coordinatorStack, inIsolatedSubnets, MIGRATIONS, newStack, SYNTHESIS_MS, TARGET } from './stacks.ts';
import { printed, rightsOf } from './statements.ts';
import {
  APPLIED,
  approvalDefinition,
  definition,
  failing,
  migrated,
  planned,
  RUN,
  runMachine,
  TASK_TOKEN,
  TOPIC_ARN,
} from './workflow-machine.ts';

const request = { subject: 'Approve?', before: "TOKEN='", after: "'" };
const needed = { ...planned('pending'), approval: { status: 'needed', planDigest: 'd', by: null, request } };
const approved = { ...planned('pending'), approval: { status: 'approved', planDigest: 'd', by: 'Ann' } };
const notNeeded = { ...planned('pending'), approval: { status: 'not-needed', planDigest: 'd', by: null } };

const run = (answers: Parameters<typeof runMachine>[0]) => runMachine(answers, approvalDefinition);
const upToRestorePoint = (visited: readonly string[]) =>
  visited.slice(0, visited.indexOf(S.TakeRestorePoint));

describe('the states', () => {
  test('are not there without a policy, and nothing else of the machine knows of them', () => {
    expect(JSON.stringify(definition)).not.toMatch(/approv/i);
  });

  test('are passed by when the plan needs no approval', async () => {
    const { visited, output } = await run({ [S.Plan]: [notNeeded] });
    expect(upToRestorePoint(visited)).toEqual([S.Plan, S.AnythingPending, S.ApprovalNeeded]);
    expect(output).toEqual(APPLIED);
  });

  test('ask before anything is done, with the token in the message, and look at the plan again', async () => {
    const { visited, inputs } = await run({
      [S.Plan]: [needed],
      [S.AskForApproval]: [{ by: 'Ann' }],
      [S.CheckApproval]: [approved],
    });
    expect(upToRestorePoint(visited)).toEqual([
      S.Plan,
      S.AnythingPending,
      S.ApprovalNeeded,
      S.AskForApproval,
      S.CheckApproval,
      S.AnythingPending,
      S.ApprovalNeeded,
    ]);
    expect(inputs[S.AskForApproval]).toEqual([
      {
        TopicArn: TOPIC_ARN,
        Subject: 'Approve?',
        Message: `TOKEN='${TASK_TOKEN}'`,
        MessageAttributes: { run: { DataType: 'String', StringValue: RUN.id } },
      },
    ]);
    expect(inputs[S.CheckApproval]).toEqual([
      { run: RUN, request: {}, approval: { ...needed.approval, answer: { by: 'Ann' } } },
    ]);
    expect(inputs[S.Migrate]).toMatchObject([{ approval: approved.approval }]);
  });

  test('ask again when the plan has become another one', async () => {
    const { inputs, output } = await run({ [S.Plan]: [needed], [S.CheckApproval]: [needed, approved] });
    expect(inputs[S.AskForApproval]).toHaveLength(2);
    expect(inputs[S.TakeRestorePoint]).toHaveLength(1);
    expect(output).toEqual(APPLIED);
  });

  test('roll out at once when others have done everything meanwhile', async () => {
    const done = { outcome: 'nothing-pending' };
    const { visited, output } = await run({
      [S.Plan]: [needed],
      [S.CheckApproval]: [planned('nothing-pending', done)],
    });
    expect(visited.slice(-2)).toEqual([S.SignalRollOut, S.Succeeded]);
    expect(output).toEqual(done);
  });

  test.each(['States.Timeout', 'Refused', 'SNS.NotFoundException'])(
    'end the run when the answer is %s, without having asked twice or done anything',
    async (name) => {
      const { visited, inputs, error } = await run({
        [S.Plan]: [needed],
        [S.AskForApproval]: [failing(name)],
        [S.CheckApproval]: [failing('ApprovalError')],
      });
      expect(inputs[S.AskForApproval]).toHaveLength(1);
      expect(inputs[S.CheckApproval]).toMatchObject([
        { approval: { status: 'needed', failure: { Error: name, Cause: expect.any(String) } } },
      ]);
      expect(visited.slice(-4)).toEqual([S.RollBack, S.ReleaseLeaseAfterFailure, S.SignalRollBack, S.Failed]);
      expect(visited).not.toContain(S.TakeRestorePoint);
      expect(error).toBeDefined();
    },
  );

  test('send the request again when SNS did not take it', async () => {
    const { inputs } = await run({
      [S.Plan]: [needed],
      [S.AskForApproval]: [failing('SNS.ThrottledException'), {}],
      [S.CheckApproval]: [approved],
    });
    expect(inputs[S.AskForApproval]).toHaveLength(2);
  });

  test('know what was approved when the plan is made again after the lease was waited for', async () => {
    const { visited, inputs } = await run({
      [S.Plan]: [needed],
      [S.CheckApproval]: [approved],
      [S.Migrate]: [failing('PlanStaleError'), migrated('applied', APPLIED)],
    });
    expect(visited.filter((state) => state === S.Plan)).toHaveLength(1);
    expect(inputs[S.AskForApproval]).toHaveLength(1);
    expect(inputs[S.CheckApproval]?.[1]).toMatchObject({ approval: approved.approval });
  });

  test('know it after a call of Migrate that was not the last one, too', async () => {
    const more = { ...migrated('more', null), approval: approved.approval };
    const { inputs, output } = await run({
      [S.Plan]: [needed],
      [S.CheckApproval]: [approved],
      [S.Migrate]: [more, failing('LeaseLostError'), migrated('applied', APPLIED)],
    });
    expect(inputs[S.CheckApproval]?.[1]).toMatchObject({ approval: approved.approval });
    expect(output).toEqual(APPLIED);
  });
});

const ROOT = join(import.meta.dirname, '..', '..');

/** The code of docs/approval.md, as it stands there. */
async function importExample(directory: string) {
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const [code = ''] = codeBlocks('docs/approval.md', 'ts');
  const file = join(directory, 'approval.ts');
  writeFileSync(file, code.replace("from 'lockstep'", `from '${join(ROOT, 'lib', 'index.ts')}'`));
  return import(pathToFileURL(file).href);
}

describe('the construct, as docs/approval.md makes it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-docs-'));
  let template: Template;
  beforeAll(async () => {
    const { withApprovals } = await importExample(directory);
    const stack = newStack();
    const role = new Role(stack, 'Approver', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    const common = { databaseName: 'orders', migrations: MIGRATIONS, target: TARGET };
    withApprovals(stack, { ...inIsolatedSubnets(stack), ...common }, role);
    template = Template.fromStack(stack);
  }, SYNTHESIS_MS);

  afterAll(() => rmSync(directory, { recursive: true }));

  test('the state machine may publish to the topic, and nobody else may anything more', () => {
    const rights = rightsOf(template, 'StateMachineRole').filter((right) => right.includes('sns:'));
    expect(rights).toEqual(['Allow sns:Publish on <Approvals>']);
  });

  test('whoever is to answer may do so for this machine, and nothing else', () => {
    expect(rightsOf(template, 'Approver')).toEqual([
      'Allow states:SendTaskFailure states:SendTaskSuccess on <StateMachine>',
    ]);
  });

  test('the functions know the policy, and how long an answer may take', () => {
    const variables = Object.entries(template.findResources('AWS::Lambda::Function'))
      .filter(([id]) => id.includes('planFunction'))
      .map(([, { Properties }]) => printed(Properties.Environment.Variables.LOCKSTEP_APPROVAL));
    expect(variables).toEqual(['{"when":"destructive","timeoutSeconds":3600}']);
  });
});

describe('options', () => {
  const withTimeout = (timeout: Duration) =>
    coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      approval: { when: 'always', topic: new Topic(stack, 'Approvals') as ITopic, timeout },
    }));

  test('a time that the run would not have is refused', () => {
    expect(() => withTimeout(Duration.hours(7))).toThrow(
      'approval.timeout is not between 1 second and runTimeout',
    );
  });

  test('nobody is let answer where nobody is asked', () => {
    const { stack, coordinator } = coordinatorStack(inIsolatedSubnets);
    const role = new Role(stack, 'Approver', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    expect(() => coordinator.grantAnswerApproval(role)).toThrow('No plan waits for an approval');
  });
});
