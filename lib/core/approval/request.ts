/** The message that asks a person, who may read it on a phone and in a hurry. */
import { oneLine } from './one-line.ts';
import { REFUSED } from './policy.ts';

export interface RequestFacts {
  readonly target: string;
  /** The execution's ARN. */
  readonly execution: string;
  readonly planDigest: string;
  /** All that is pending, in order. */
  readonly pending: readonly string[];
  readonly hazards: readonly {
    readonly migration: string;
    readonly line: number;
    readonly class: string;
    readonly message: string;
  }[];
  /** Of its rehearsal, in words; empty within budget or without one. */
  readonly excesses: readonly string[];
  /** As whoever started the run gave it. */
  readonly reason: string | undefined;
  readonly timeoutSeconds: number;
}

export interface ApprovalRequest {
  /** At most 100 printable ASCII characters. */
  readonly subject: string;
  /** The task token comes in between. */
  readonly before: string;
  readonly after: string;
}

/** What a person is asked, and how the message puts it. */
export interface Question {
  readonly subject: string;
  /** The execution's ARN. */
  readonly execution: string;
  /** What it is about. */
  readonly about: readonly string[];
  /** Behind the link to the execution. */
  readonly more: readonly string[];
  /** `Nothing was done yet`, without a full stop. */
  readonly soFar: string;
  /** `the run is refused` */
  readonly otherwise: string;
  readonly timeoutSeconds: number;
}

const LONGEST_SUBJECT = 100;
const LONGEST_LINE = 300;
const MOST_LINES = 50;

export function approvalRequest(facts: RequestFacts): ApprovalRequest {
  const { target, execution, planDigest, pending, hazards, excesses, reason, timeoutSeconds } = facts;
  const what = pending.length === 1 ? 'a migration' : `${pending.length} migrations`;
  const about = [
    `A run of Lockstep waits for an approval. It would change ${target}.`,
    '',
    `To be applied, in this order (${pending.length}):`,
    ...listed(pending),
    '',
    ...(hazards.length === 0
      ? ['No step of it is known to delete data or to keep a table locked.']
      : ['What cannot be undone, or keeps a table locked:', ...listed(hazards.map(hazardLine))]),
    '',
    ...(excesses.length === 0 ? [] : ['On a copy it was over its budget:', ...listed(excesses), '']),
    ...(reason === undefined ? [] : [`Reason given at its start: ${oneLine(reason, LONGEST_LINE)}`]),
  ];
  return messageOf({
    subject: `Lockstep: approve ${what} of ${target}?`,
    execution,
    about,
    more: [`Plan: ${planDigest.slice(0, 12)}`],
    soFar: 'Nothing was done yet',
    otherwise: 'the run is refused',
    timeoutSeconds,
  });
}

/** With the commands that answer it. */
export function messageOf(question: Question): ApprovalRequest {
  const { subject, execution, about, more, soFar, otherwise, timeoutSeconds } = question;
  const { region, run, domain } = placeOf(execution);
  const before = [
    ...about,
    `Run: ${run}`,
    `https://${domain}/states/home?region=${region}#/v2/executions/details/${execution}`,
    ...more,
    '',
    `${soFar}. Opening a link decides nothing; without an answer within`,
    `${duration(timeoutSeconds)} ${otherwise}. To answer, paste this into CloudShell`,
    `(https://${domain}/cloudshell/home?region=${region}) or any shell with the AWS CLI,`,
    'and then one of the two commands, with your name:',
    '',
    "TOKEN='",
  ].join('\n');
  const after = [
    "'",
    '',
    'Approve:',
    `aws stepfunctions send-task-success --region ${region} --task-token "$TOKEN" --task-output '{"by":"YOUR NAME"}'`,
    '',
    'Refuse:',
    `aws stepfunctions send-task-failure --region ${region} --task-token "$TOKEN" --error ${REFUSED} --cause 'YOUR NAME: WHY'`,
    '',
  ].join('\n');
  return {
    subject: subject.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, LONGEST_SUBJECT),
    before,
    after,
  };
}

const hazardLine = ({ migration, line, message }: RequestFacts['hazards'][number]): string =>
  `${migration}, line ${line}: ${message}`;

function listed(lines: readonly string[]): string[] {
  const shown = lines.slice(0, MOST_LINES).map((line) => `  ${oneLine(line, LONGEST_LINE)}`);
  return lines.length > MOST_LINES ? [...shown, `  and ${lines.length - MOST_LINES} more`] : shown;
}

const CONSOLES: Readonly<Record<string, string>> = {
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

/** arn:PARTITION:states:REGION:ACCOUNT:execution:MACHINE:RUN */
function placeOf(execution: string) {
  const [, partition = '', , region = '', , , , run = ''] = execution.split(':');
  return { region, run, domain: CONSOLES[partition] ?? 'console.aws.amazon.com' };
}

/** `90 min`, `3 h`. */
function duration(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
