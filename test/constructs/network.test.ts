/** From where the database and AWS are reached. */
import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { auroraStack, coordinatorStack, inIsolatedSubnets, VARIANTS } from './stacks.ts';
import { printed } from './statements.ts';

const endpointsOf = (template: Template): string[] =>
  Object.values(template.findResources('AWS::EC2::VPCEndpoint'))
    .map(({ Properties }) => `${Properties.VpcEndpointType} ${printed(Properties.ServiceName)}`)
    .toSorted();

/** `who may reach whom`, from the rules that are resources of their own. */
const ingressOf = (template: Template): string[] =>
  Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))
    .map(
      ({ Properties: { SourceSecurityGroupId, GroupId, IpProtocol, FromPort } }) =>
        `${printed(SourceSecurityGroupId)} to ${printed(GroupId)} ${IpProtocol} ${printed(FromPort)}`,
    )
    .toSorted();

describe('in isolated subnets', () => {
  const service = (kind: string, name: string) => `${kind} com.amazonaws.<Region>.${name}`;
  const WITHOUT_SECRET = [
    service('Gateway', 'dynamodb'),
    service('Interface', 'events'),
    service('Interface', 'states'),
  ];

  test('the endpoints that the functions need are created on request', () => {
    expect(endpointsOf(auroraStack().template)).toEqual(
      [...WITHOUT_SECRET, service('Interface', 'secretsmanager')].toSorted(),
    );
  });

  test('none for Secrets Manager is created when the functions log in with IAM', () => {
    expect(endpointsOf(VARIANTS['IAM login']().template)).toEqual(WITHOUT_SECRET);
  });

  test('only the functions reach the endpoints and the database', () => {
    const { template } = auroraStack();
    expect(ingressOf(template)).toEqual([
      '<SecurityGroup.GroupId> to <DatabaseSecurityGroup.GroupId> tcp <Database.Endpoint.Port>',
      '<SecurityGroup.GroupId> to <EventsEndpointSecurityGroup.GroupId> tcp 443',
      '<SecurityGroup.GroupId> to <SecretsManagerEndpointSecurityGroup.GroupId> tcp 443',
      '<SecurityGroup.GroupId> to <StatesEndpointSecurityGroup.GroupId> tcp 443',
    ]);
    const groups = Object.values(template.findResources('AWS::EC2::SecurityGroup'));
    expect(groups.filter(({ Properties }) => Properties.SecurityGroupIngress)).toEqual([]);
  });

  test('nothing is created when the VPC is said to have them', () => {
    const { template } = coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      createEndpoints: false,
    }));
    expect(endpointsOf(template)).toEqual([]);
  });

  test('a word about endpoints is demanded, and the error names those that are needed', () => {
    const without = (login?: { iamUser: string }) => () =>
      coordinatorStack((stack) => {
        const { database, vpc } = inIsolatedSubnets(stack);
        return { database, vpc, ...(login ? { login } : {}) };
      });
    const message = (services: string) =>
      `[Test/Coordinator] The subnets databaseSubnet1, databaseSubnet2 are isolated: from there no AWS service can be reached. The functions need VPC endpoints for ${services}. Write createEndpoints: true to have them created, or createEndpoints: false if the VPC has them already.`;
    expect(without()).toThrow(
      message('dynamodb (gateway), secretsmanager (interface), states (interface), events (interface)'),
    );
    expect(without({ iamUser: 'migrator' })).toThrow(
      message('dynamodb (gateway), states (interface), events (interface)'),
    );
  });
});

describe('in private subnets', () => {
  test('no endpoints are created, nor is a word about them demanded', () => {
    const { template } = VARIANTS['an RDS instance in private subnets']();
    expect(endpointsOf(template)).toEqual([]);
    expect(ingressOf(template)).toEqual([
      '<SecurityGroup.GroupId> to <DatabaseSecurityGroup.GroupId> tcp <Database.Endpoint.Port>',
    ]);
  });
});

test('a database of another stack lets the functions in by a rule of this stack', () => {
  expect(ingressOf(VARIANTS['a database of another stack']().template)).toEqual([
    '<SecurityGroup.GroupId> to sg-1 tcp 5432',
  ]);
});

test('a plain host is opened by the user, through the connections of the coordinator', () => {
  const { coordinator, template } = VARIANTS['a plain host with a secret']();
  expect(ingressOf(template)).toEqual([]);
  expect(coordinator.connections.securityGroups.map(({ node }) => node.path)).toEqual([
    'Test/Coordinator/SecurityGroup',
  ]);
});
