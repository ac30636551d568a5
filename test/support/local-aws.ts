/** AWS services over HTTP in this process; those that a test does not name refuse every action. */
import { startAwsApi } from '../../lib/local/aws/api-server.ts';
import type { Service } from '../../lib/local/aws/service.ts';

export type LocalServices = Partial<Record<'rds' | 'events' | 'states' | 'secrets', Service>>;

export async function startLocalAws(services: LocalServices) {
  const { endpoint, stop } = await startAwsApi({ rds: {}, events: {}, states: {}, secrets: {}, ...services });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return { endpoint, stop, clientConfig: { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 } };
}
