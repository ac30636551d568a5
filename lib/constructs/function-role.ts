/** The role of one function: nothing but its own logs, traces and network interfaces, until it is granted more. */
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledgeWildcard } from './acknowledge.ts';

export function functionRole(scope: Construct, logGroup: ILogGroup, inVpc: boolean): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  role.addToPolicy(TRACES);
  if (inVpc) {
    role.addToPolicy(NETWORK_INTERFACES);
    role.addToPolicy(NETWORK_INTERFACES_NOT_FOR_CODE);
  }
  acknowledgeWildcard(role, '*', inVpc ? `${ONLY_STAR_TRACES} ${ONLY_STAR_INTERFACES}` : ONLY_STAR_TRACES);
  return role;
}

const ONLY_STAR_TRACES =
  'X-Ray has no resources to name: AWS offers nothing narrower than * for its Put actions.';
const ONLY_STAR_INTERFACES =
  'Lambda creates the network interfaces of a function in a VPC under its role and checks for *; the function itself is denied these actions.';

const TRACES = new PolicyStatement({
  actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
  resources: ['*'],
});

const INTERFACE_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];
const NETWORK_INTERFACES = new PolicyStatement({ actions: INTERFACE_ACTIONS, resources: ['*'] });

/** The key is present only in calls that the function's own code makes; Lambda's calls on its behalf lack it. */
const NETWORK_INTERFACES_NOT_FOR_CODE = new PolicyStatement({
  effect: Effect.DENY,
  actions: INTERFACE_ACTIONS,
  resources: ['*'],
  conditions: { ArnLike: { 'lambda:SourceFunctionArn': 'arn:*:lambda:*:*:function:*' } },
});
