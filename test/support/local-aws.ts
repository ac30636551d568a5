/** AWS services over HTTP in this process; those that a test does not name refuse every action. */
import type { AwsSettings } from '../../lib/adapters/aws-requests/index.ts';
import { type AwsServices, startAwsApi } from '../../lib/local/aws/api-server.ts';
import { LocalObjects } from '../../lib/local/aws/objects.ts';

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
  kms: {},
  s3: new LocalObjects(),
};

export async function startLocalAws(services: LocalServices) {
  const { endpoint, stop } = await startAwsApi({ ...NONE, ...services });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return { endpoint, stop, clientConfig: { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 } };
}

/** For the adapters that have no client of the SDK. */
export const settingsFor = (endpoint: string, timeoutMs = 10_000): AwsSettings => ({
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  endpoint: () => endpoint,
  timeoutMs,
});
