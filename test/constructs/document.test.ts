/** docs/constructs.md says what the constructs do. That its example works, test/package shows. */
import { readFileSync } from 'node:fs';
import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/core/workflow/index.ts';
import { sectionsOf } from '../docs/markdown.ts';
import { auroraStack, SYNTHESIS_MS, VARIANTS } from './stacks.ts';
import { policiesOf, printed } from './statements.ts';

/** The rows of the first table in the section, without its head. */
function rowsOf(title: string): string[][] {
  const text = sectionsOf('docs/constructs.md').find((section) => section.title === title)?.text ?? '';
  const [, , ...rows] = text.split('\n').filter((line) => line.startsWith('|'));
  return rows.map((row) => row.split(' | ').map((cell) => cell.replaceAll(/^\| |\|$/g, '').trim()));
}
const code = (cell = '') => cell.replaceAll('`', '');
const codes = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');

let common: Template;
let instance: Template;
beforeAll(() => {
  common = auroraStack().template;
  instance = VARIANTS['an RDS instance in private subnets']().template;
}, SYNTHESIS_MS);

test('every property has its row, and no other', () => {
  const source = readFileSync(new URL('../../lib/constructs/coordinator-props.ts', import.meta.url), 'utf8');
  const [, properties = ''] = /interface MigrationCoordinatorProps \{([\s\S]*?)\n\}/.exec(source) ?? [];
  const names = [...properties.matchAll(/^ {2}readonly (\w+)/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(10);
  expect(
    rowsOf('Properties')
      .map(([name]) => code(name))
      .toSorted(),
  ).toEqual(names.toSorted());
});

test('the endpoints are those that are created', () => {
  const created = Object.values(common.findResources('AWS::EC2::VPCEndpoint')).map(({ Properties }) => [
    printed(Properties.ServiceName).split('.').at(-1),
    Properties.VpcEndpointType.toLowerCase(),
  ]);
  expect(
    rowsOf('Network')
      .map(([name, kind]) => [code(name), kind])
      .toSorted(),
  ).toEqual(created.toSorted());
});

test('the alarms are those that are there', () => {
  const ids = Object.keys(common.findResources('AWS::CloudWatch::Alarm')).map((id) =>
    id.replaceAll(/^CoordinatorAlarms|[0-9A-F]{8}$/g, ''),
  );
  expect(
    rowsOf('Alarms')
      .map(([name]) => code(name))
      .toSorted(),
  ).toEqual(ids.toSorted());
});

describe('what each role may do', () => {
  /** What the words of the table stand for, as the list below it says. */
  const WORDS = {
    'log in': ['secretsmanager:GetSecretValue'],
    'use the lease': ['dynamodb:GetItem', 'dynamodb:PutItem'],
  };
  /** What all may do, and what CDK grants with the right to read a secret and to send to a queue. */
  const UNSAID =
    /^(logs|xray|ec2):|^secretsmanager:DescribeSecret$|^sqs:GetQueue(Attributes|Url)$|^logs:.*Deliver/;

  const said = (may: string) =>
    [
      ...codes(may).filter((name) => /^[a-z]+:[A-Z]/.test(name)),
      ...Object.entries(WORDS).flatMap(([words, actions]) => (may.includes(words) ? actions : [])),
    ].toSorted();
  function granted(role: string): string[] {
    const statements = policiesOf(instance)
      .filter(({ roles }) => roles.includes(role))
      .flatMap((policy) => policy.statements)
      .filter(({ effect }) => effect === 'Allow');
    return [...new Set(statements.flatMap(({ actions }) => actions))]
      .filter((action) => !UNSAID.test(action))
      .toSorted();
  }
  const rows = rowsOf('What each role may do');

  test('has a row for every function and the state machine', () => {
    expect(rows.map(([name]) => code(name))).toEqual([...FUNCTION_NAMES, 'the state machine']);
  });

  test.each(rows.map(([name, , may]) => [code(name), may ?? '']))('%s', (name, may) => {
    const role = name === 'the state machine' ? 'StateMachineRole' : `${name.replaceAll('-', '')}Role`;
    expect(said(may)).toEqual(granted(role));
  });
});
