/** AWS services over HTTP in this process; those that a test does not name refuse every action. */
import { type AwsServices, startAwsApi } from '../../lib/local/aws/api-server.ts';

export type LocalServices = Partial<AwsServices>;

const NONE: AwsServices = {
  rds: {},
  events: {},
  states: {},
  secrets: {},
  sns: {},
  codepipeline: {},
  ecs: {},
  codedeploy: {},
};

export async function startLocalAws(services: LocalServices) {
  const { endpoint, stop } = await startAwsApi({ ...NONE, ...services });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return { endpoint, stop, clientConfig: { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 } };
}
