import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { SignatureV4 } from '@smithy/signature-v4';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';

export type Service = 's3' | 'kms';

/** Who asks, and where. */
export interface AwsSettings {
  readonly region: string;
  readonly credentials: ConstructorParameters<typeof SignatureV4>[0]['credentials'];
  /** In place of the service's own address. */
  readonly endpoint: (service: Service) => string | undefined;
  /** Of one try. */
  readonly timeoutMs: number;
}

/** A bundle of the largest size comes within it, even at 1 MB/s. */
const TIMEOUT_MS = 40_000;

/** As the AWS SDK finds them. Throws LS102 when no Region is set. */
export function awsSettings(env: Readonly<Record<string, string | undefined>>): AwsSettings {
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  if (!region) {
    throw new LockstepError('LS102', {
      what: 'No AWS Region is set.',
      state: NOTHING_CHANGED,
      remedy: "Set AWS_REGION to the bucket's Region.",
    });
  }
  return {
    region,
    credentials: defaultProvider(),
    endpoint: (service) =>
      env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || env.AWS_ENDPOINT_URL || undefined,
    timeoutMs: TIMEOUT_MS,
  };
}

/** Of the names of AWS's hosts. */
export const suffixOf = (region: string): string =>
  region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
