/** AwsSolutions of cdk-nag: what it finds is mended, or acknowledged with a reason; no acknowledgement is idle. */
import { Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { CURRENTLY_RECOMMENDED_FLAGS } from 'aws-cdk-lib/cx-api';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { CoordinatorStack } from '../../lib/coordinator-stack.ts';
import {
  auroraStack,
  coordinatorStack,
  deployersStack,
  inIsolatedSubnets,
  MIGRATIONS,
  newApp,
  newStack,
  SYNTHESIS_MS,
  VARIANTS,
} from './stacks.ts';

/** `all`: what is acknowledged, too. */
function findings(scope: IConstruct, { all = false } = {}): string[] {
  const checks = new AwsSolutionsChecks(scope.node.root);
  if (all) Object.assign(checks, { isAcknowledged: () => false });
  return checks
    .validateScope(scope)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
    );
}

interface Acknowledgement {
  readonly path: string;
  readonly id: string;
  readonly reason: string;
}

const acknowledgements = (scope: IConstruct): Acknowledgement[] =>
  scope.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([id, reason]) => ({ path: node.path, id: id.replace(/^annotation::/i, ''), reason })),
  );

/** The construct, and the stack of bin/app.ts as a whole. In the others the database belongs to the user. */
const SCOPES: Readonly<Record<string, () => IConstruct>> = {
  'the stack of the app': () => new CoordinatorStack(newApp(), 'Lockstep', { migrations: MIGRATIONS }),
  'the common case': () => auroraStack().coordinator,
  'every deployer': () => deployersStack().coordinator,
  'an app with every feature flag that CDK recommends': () =>
    auroraStack(CURRENTLY_RECOMMENDED_FLAGS).coordinator,
  'restore points that a person may have brought back': () =>
    coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      afterRollOut: {
        follow: { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } },
        policy: 'restore',
        restore: { topic: new Topic(stack, 'Approvals', { enforceSSL: true }) as ITopic },
      },
    })).coordinator,
  ...Object.fromEntries(Object.entries(VARIANTS).map(([name, make]) => [name, () => make().coordinator])),
};

describe.each(Object.keys(SCOPES))('%s', (name) => {
  test(
    'has no finding that is not acknowledged',
    () => {
      expect(findings(SCOPES[name]!())).toEqual([]);
    },
    SYNTHESIS_MS,
  );

  test('acknowledges, with a sentence, nothing that is not found', () => {
    const scope = SCOPES[name]!();
    const found = findings(scope, { all: true });
    const idle = acknowledgements(scope)
      .filter(({ id }) => id.startsWith('AwsSolutions-'))
      .filter(
        ({ path, id, reason }) =>
          !/^[A-Z].{20,}\.$/.test(reason) || !found.some((line) => line.startsWith(`${id} at ${path}/`)),
      );
    expect(found.length).toBeGreaterThan(0);
    expect(idle).toEqual([]);
  });
});

test('the checks find something where there is something to find', () => {
  expect(findings(new Bucket(newStack(), 'Bucket'))).toContain('AwsSolutions-S10 at Test/Bucket/Resource');
});
