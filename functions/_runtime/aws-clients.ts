/** Clients of AWS services: traced, made when first used, and with an end to every call. */
import { tracer } from './observability.ts';

/**
 * Without limits, a call from a subnet that has no way to the service hangs until the function is killed, and
 * nobody learns why.
 */
const LIMITS = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
} as const;

/** One client per process. */
export function awsClient<Client>(make: (limits: typeof LIMITS) => Client): () => Client {
  let client: Client | undefined;
  return () => {
    client ??= tracer.captureAWSv3Client(make(LIMITS));
    return client as Client;
  };
}
