/** The role of one function: nothing but its own logs and network interfaces, until it is granted more. */
import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledgeWildcard } from './acknowledge.ts';

export function functionRole(scope: Construct, logGroup: ILogGroup, inVpc: boolean): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  if (inVpc) allowNetworkInterfaces(role);
  // CDK adds the statement for X-Ray with the function.
  acknowledgeWildcard(role, '*', inVpc ? `${ONLY_STAR_TRACES} ${ONLY_STAR_DESCRIBE}` : ONLY_STAR_TRACES);
  return role;
}

export const ONLY_STAR_TRACES =
  'X-Ray has no resources to name: AWS offers nothing narrower than * for its Put actions.';
const ONLY_STAR_DESCRIBE =
  'EC2 has no resources to name for its Describe actions; the function itself is denied these.';

const DESCRIBE = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'];
const MANAGE = [
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/** Lambda makes the network interfaces of a function in a VPC under the function's role. */
function allowNetworkInterfaces(role: Role): void {
  const { partition, region } = Stack.of(role);
  // Of any account, because the subnets of a shared VPC belong to its owner's.
  const inRegion = `arn:${partition}:ec2:${region}:*:*/*`;
  role.addToPolicy(new PolicyStatement({ actions: DESCRIBE, resources: ['*'] }));
  role.addToPolicy(new PolicyStatement({ actions: MANAGE, resources: [inRegion] }));
  role.addToPolicy(NOT_FOR_CODE);
  acknowledgeWildcard(
    role,
    inRegion,
    'The interfaces have no names before Lambda makes them; the function itself is denied these actions.',
  );
}

/** The key is present only in calls that the function's own code makes; Lambda's calls on its behalf lack it. */
const NOT_FOR_CODE = new PolicyStatement({
  effect: Effect.DENY,
  actions: [...DESCRIBE, ...MANAGE],
  resources: ['*'],
  conditions: { ArnLike: { 'lambda:SourceFunctionArn': 'arn:*:lambda:*:*:function:*' } },
});
