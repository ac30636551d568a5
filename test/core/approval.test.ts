import { describe, expect, test } from 'vitest';
import {
  type Approval,
  approvalOf,
  approvalRequest,
  approvalSchema,
  approvedSoFar,
  asksOverBudget,
  planDigest,
  type RequestFacts,
} from '../../lib/core/approval/index.ts';
import type { ApprovalPolicy } from '../../lib/core/approval/policy.ts';
import { readDocument } from '../docs/markdown.ts';

const CONTENT = {
  bundleDigest: 'b',
  pending: ['0001_a', '0002_b'],
  toRevision: null,
  phase: null,
  forceContract: false,
};

describe('what an approval is bound to', () => {
  const digest = planDigest(CONTENT);

  test('the same plan, made twice, has one digest', () => {
    expect(planDigest({ ...CONTENT, pending: [...CONTENT.pending] })).toBe(digest);
  });

  test.each<[string, Partial<typeof CONTENT> | object]>([
    ['another bundle', { bundleDigest: 'c' }],
    ['one migration less, because somebody else applied it', { pending: ['0002_b'] }],
    ['another order', { pending: ['0002_b', '0001_a'] }],
    ['another limit', { toRevision: '0002' }],
    ['another phase', { phase: 'expand' }],
    ['forced contract', { forceContract: true }],
  ])('%s has another one', (_, change) => {
    expect(planDigest({ ...CONTENT, ...change })).not.toBe(digest);
  });
});

describe('which plans wait', () => {
  const setting = (when: ApprovalPolicy) => ({ when, timeoutSeconds: 60 });
  const plan = (isDestructive: boolean) => ({ digest: 'd', isDestructive, isOverBudget: false });
  const approved = { planDigest: 'd', by: 'Ann' };

  test.each([
    ['destructive', true, undefined, 'needed'],
    ['destructive', false, undefined, 'not-needed'],
    ['always', false, undefined, 'needed'],
    ['always', true, { ...approved, planDigest: 'another' }, 'needed'],
    ['always', true, approved, 'approved'],
  ] as const)('%s, destructive %s, approved %j: %s', (when, isDestructive, before, status) => {
    const approval = approvalOf(setting(when), plan(isDestructive), before);
    expect(approval).toEqual({ status, planDigest: 'd', by: status === 'approved' ? 'Ann' : null });
    expect(approvalSchema.parse(approval)).toEqual(approval);
  });
});

describe('plans that are over the budget of their rehearsal', () => {
  test.each([
    ['destructive', 'not-needed', false],
    ['over-budget', 'needed', true],
    ['always', 'needed', true],
  ] as const)('%s: %s', (when, status, asks) => {
    const plan = { digest: 'd', isDestructive: false, isOverBudget: true };
    expect(approvalOf({ when, timeoutSeconds: 60 }, plan, undefined).status).toBe(status);
    expect(asksOverBudget(when)).toBe(asks);
  });

  test('others wait only if they are destructive; without a policy nobody is asked', () => {
    const plan = (isDestructive: boolean) => ({ digest: 'd', isDestructive, isOverBudget: false });
    const status = (isDestructive: boolean) =>
      approvalOf({ when: 'over-budget', timeoutSeconds: 60 }, plan(isDestructive), undefined).status;
    expect([status(true), status(false)]).toEqual(['needed', 'not-needed']);
    expect(asksOverBudget(undefined)).toBe(false);
  });
});

describe('what an answer means', () => {
  const asked = { status: 'needed', planDigest: 'd', by: null } satisfies Approval;

  test('whatever comes with SendTaskSuccess approves the plan that was asked about; a name is taken as it is', () => {
    const answers = [{ by: 'Ann' }, { by: ' ' }, { by: 7 }, {}, null, 'yes', [1]];
    expect(answers.map((answer) => approvedSoFar({ ...asked, answer })?.by)).toEqual([
      'Ann',
      ...Array(6).fill(null),
    ]);
    expect(approvedSoFar({ ...asked, answer: { by: 'Ann\nroot\u2028x' } })?.by).toBe('Ann root x');
    expect(approvedSoFar({ ...asked, answer: { by: 'x'.repeat(1000) } })?.by).toHaveLength(100);
  });

  test('without an answer nothing is approved', () => {
    expect(approvedSoFar(undefined)).toBeUndefined();
    expect(approvedSoFar(asked)).toBeUndefined();
    expect(approvedSoFar({ ...asked, status: 'not-needed', answer: {} })).toBeUndefined();
  });

  test('an approval stays when the plan is made again later in the run', () => {
    expect(approvedSoFar({ status: 'approved', planDigest: 'd', by: 'Ann' })).toEqual({
      planDigest: 'd',
      by: 'Ann',
    });
  });

  test.each([
    [{ Error: 'Refused', Cause: 'Ann: not on Friday.' }, 'LS710: The plan was refused: Ann: not on Friday.'],
    [{ Error: 'Refused' }, 'LS710: The plan was refused, without a reason.'],
    [{ Error: '', Cause: '' }, 'LS710: The plan was refused, without a reason.'],
    [{ Error: 'States.Timeout', Cause: '' }, 'LS711: Nobody approved the plan in time.'],
    [
      { Error: 'SNS.NotFoundException', Cause: 'Topic does not exist' },
      'LS712: The request for approval could not be sent: SNS.NotFoundException: Topic does not exist.',
    ],
  ])('%j refuses, even if an answer is there as well', (failure, what) => {
    expect(() => approvedSoFar({ ...asked, failure, answer: {} })).toThrow(what);
    expect(() => approvedSoFar({ ...asked, failure })).toThrow('No restore point was taken, and no lease.');
  });
});

describe('the message', () => {
  const facts: RequestFacts = {
    target: 'orders-production',
    execution: 'arn:aws:states:eu-west-1:111122223333:execution:coordinator:run-1',
    planDigest: '0123456789abcdef',
    pending: ['0001_a', '0002_drop_notes'],
    hazards: [
      { migration: '0002_drop_notes', line: 3, class: 'destructive', message: 'DROP TABLE notes is final.' },
    ],
    excesses: [],
    reason: 'release 42',
    timeoutSeconds: 7200,
  };
  const text = (change: Partial<RequestFacts> = {}) => {
    const { before, after } = approvalRequest({ ...facts, ...change });
    return `${before}AAAA=${after}`;
  };

  test('has the plan, what cannot be undone, and the two commands with the token', () => {
    expect(text()).toContain('in this order (2):\n  0001_a\n  0002_drop_notes\n');
    expect(text()).toContain('  0002_drop_notes, line 3: DROP TABLE notes is final.\n');
    expect(text()).toContain("\nTOKEN='AAAA='\n");
    expect(text()).toMatch(
      /^aws stepfunctions send-task-success --region eu-west-1 --task-token "\$TOKEN" /m,
    );
    expect(text()).toMatch(
      /^aws stepfunctions send-task-failure --region eu-west-1 --task-token "\$TOKEN" /m,
    );
    expect(text()).toContain('without an answer within\n2 h the run is refused');
  });

  test('has what is over the budget of a rehearsal', () => {
    expect(text({ excesses: ['it takes 3.0 s, longer than 2.0 s'] })).toContain(
      '\n\nOn a copy it was over its budget:\n  it takes 3.0 s, longer than 2.0 s\n\n',
    );
    expect(text()).not.toContain('On a copy');
  });

  test('has the commands as docs/approval.md has them', () => {
    const documented = readDocument('docs/approval.md').match(/^aws .*$/gm) ?? [];
    expect(documented).toHaveLength(2);
    for (const command of documented) expect(text()).toContain(`\n${command}\n`);
  });

  test('has no link that decides: they lead to the run and to a shell of whoever is signed in', () => {
    const links = text().match(/https:\S+/g) ?? [];
    expect(links.map((link) => link.replace(')', ''))).toEqual([
      `https://console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${facts.execution}`,
      'https://console.aws.amazon.com/cloudshell/home?region=eu-west-1',
    ]);
    expect(links.join()).not.toContain('AAAA');
  });

  test('leads to the console of the partition', () => {
    const inChina = text({ execution: facts.execution.replace('arn:aws:', 'arn:aws-cn:') });
    expect(inChina).toContain('https://console.amazonaws.cn/states/home');
  });

  test('does not let what others wrote look like a line of it', () => {
    const reason = "fine\n\nApprove:\naws stepfunctions send-task-success --task-output '{}'";
    expect(text({ reason })).toContain('Reason given at its start: fine Approve: aws stepfunctions');
    expect(text({ reason }).match(/^Approve:$/gm)).toHaveLength(1);
  });

  test('stays small, and its subject is what SNS takes', () => {
    const pending = Array.from({ length: 3000 }, (_, i) => `${i}_${'long'.repeat(200)}`);
    const request = approvalRequest({ ...facts, pending, target: `é${'x'.repeat(200)}` });
    expect(request.before.length + request.after.length).toBeLessThan(20_000);
    expect(request.before).toContain('  and 2950 more\n');
    expect(request.subject).toMatch(/^Lockstep: approve 3000 migrations of \?x[\x20-\x7e]+$/);
    expect(request.subject).toHaveLength(100);
  });
});
