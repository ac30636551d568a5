/**
 * Where the functions that use the database run, and how they reach AWS from there. The others run outside the
 * VPC: they call AWS only, and a network interface would make them slower to start and dependent on endpoints.
 *
 * What the functions in the VPC call: DynamoDB (the lease), Secrets Manager (unless they log in with IAM), Step
 * Functions (clean-up looks how the run ended) and EventBridge (clean-up's signal). Logs, metrics (in the logs) and
 * traces leave through Lambda itself. Published bundles come from S3, their signatures are checked by KMS. A container for long work is pulled from ECR (its layers from S3) and writes its
 * log by itself.
 */
import { Validations } from 'aws-cdk-lib';
import {
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  type ISubnet,
  type IVpc,
  Port,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { PublishedBundles } from './published-bundles.ts';
import { refuse } from './refuse.ts';

export interface NetworkProps {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection | undefined;
  readonly createEndpoints: boolean | undefined;
  readonly usesSecret: boolean;
  /** Whether containers are started there. */
  readonly runsTasks: boolean;
  readonly publishedBundles: PublishedBundles | undefined;
  /** Whether a function writes to S3 from there. */
  readonly keepsReports: boolean;
}

export interface Network {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroup: SecurityGroup;
}

export function createNetwork(scope: Construct, props: NetworkProps): Network {
  const { subnets, isPendingLookup } = props.vpc.selectSubnets(props.subnets);
  if (subnets.length === 0 && !isPendingLookup)
    refuse(scope, 'The VPC has no subnets that fit `vpcSubnets`.');
  const isolated = subnets.filter((subnet) => isIsolated(props.vpc, subnet));
  if (isolated.length > 0 && props.createEndpoints === undefined)
    refuse(scope, endpointsMissing(isolated, props));

  const securityGroup = new SecurityGroup(scope, 'SecurityGroup', {
    vpc: props.vpc,
    description: 'Lockstep functions that use the database',
  });
  Validations.of(securityGroup).acknowledge({
    id: 'Annotation::@aws-cdk/aws-ec2:ipv4IgnoreEgressRule',
    reason: 'All traffic may leave: to AWS services, and to name servers that the VPC may have of its own.',
  });
  const network = { vpc: props.vpc, subnets: { subnets }, securityGroup };
  if (props.createEndpoints) createEndpoints(scope, network, props);
  return network;
}

const usesS3 = ({ runsTasks, publishedBundles, keepsReports }: NetworkProps): boolean =>
  runsTasks || keepsReports || publishedBundles !== undefined;

const isIsolated = (vpc: IVpc, subnet: ISubnet): boolean =>
  vpc.isolatedSubnets.some(({ subnetId }) => subnetId === subnet.subnetId);

function endpointsMissing(isolated: readonly ISubnet[], props: NetworkProps): string {
  const { usesSecret, runsTasks, publishedBundles } = props;
  const services = [
    'dynamodb (gateway)',
    ...(usesSecret ? ['secretsmanager (interface)'] : []),
    'states (interface)',
    'events (interface)',
    ...(usesS3(props) ? ['s3 (gateway)'] : []),
    ...(publishedBundles?.signingKey ? ['kms (interface)'] : []),
    ...(runsTasks ? ['ecr.api', 'ecr.dkr and logs (interface)'] : []),
  ];
  return [
    `The subnets ${isolated.map(({ node }) => node.id).join(', ')} are isolated: from there no AWS service can be reached.`,
    `The functions need VPC endpoints for ${services.join(', ')}.`,
    'Write createEndpoints: true to have them created, or createEndpoints: false if the VPC has them already.',
  ].join(' ');
}

function createEndpoints(
  scope: Construct,
  { vpc, subnets, securityGroup }: Network,
  props: NetworkProps,
): void {
  const { usesSecret, runsTasks, publishedBundles } = props;
  const gateways = {
    DynamoDbEndpoint: GatewayVpcEndpointAwsService.DYNAMODB,
    ...(usesS3(props) ? { S3Endpoint: GatewayVpcEndpointAwsService.S3 } : {}),
  };
  for (const [id, service] of Object.entries(gateways)) {
    new GatewayVpcEndpoint(scope, id, { vpc, subnets: [subnets], service });
  }
  const services = {
    EventsEndpoint: InterfaceVpcEndpointAwsService.EVENTBRIDGE,
    StatesEndpoint: InterfaceVpcEndpointAwsService.STEP_FUNCTIONS,
    ...(usesSecret ? { SecretsManagerEndpoint: InterfaceVpcEndpointAwsService.SECRETS_MANAGER } : {}),
    ...(publishedBundles?.signingKey ? { KmsEndpoint: InterfaceVpcEndpointAwsService.KMS } : {}),
    ...(runsTasks ? FOR_TASKS : {}),
  };
  for (const [id, service] of Object.entries(services)) {
    // Open to these functions only; CDK's default is the whole VPC.
    const endpoint = new InterfaceVpcEndpoint(scope, id, { vpc, subnets, service, open: false });
    endpoint.connections.allowFrom(securityGroup, Port.tcp(443), 'Lockstep functions');
  }
}

const FOR_TASKS = {
  EcrApiEndpoint: InterfaceVpcEndpointAwsService.ECR,
  EcrEndpoint: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  LogsEndpoint: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
};
