/** Bundles that a build publishes in S3: what the functions may then read, and how the rest of the construct learns it. */
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { PUBLISHED_SUFFIX, type PublishedSetting } from '../core/published/address.ts';
import { EnvName } from '../core/workflow/state-name.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { prefixRule } from './object-prefix.ts';

export interface PublishedBundles {
  /** Has to keep versions. */
  readonly bucket: IBucket;
  /**
   * What the keys of bundles begin with, such as `orders/`.
   * @default '': any object of the bucket
   */
  readonly prefix?: string;
  /**
   * An asymmetric key for signing (`ECC_NIST_P256`, or RSA): a bundle that it has not signed is refused.
   * @default signatures are not asked for
   */
  readonly signingKey?: IKey;
}

/** What is wrong with them. */
export const publishedBundlesProblems = (
  bundles: PublishedBundles | undefined,
): readonly (readonly [boolean, string])[] => {
  return [prefixRule('bundles.prefix', bundles?.prefix ?? '')];
};

export const publishedBundlesEnvironment = (
  bundles: PublishedBundles | undefined,
): Record<string, string> => {
  if (!bundles) return {};
  const { bucket, prefix = '', signingKey } = bundles;
  const setting: PublishedSetting = {
    bucket: bucket.bucketName,
    prefix,
    ...(signingKey ? { signingKey: signingKey.keyArn } : {}),
  };
  return { [EnvName.bundles]: JSON.stringify(setting) };
};

/** To read the versions that are named, nothing else of the bucket, and to check who signed them. */
export function grantPublishedBundles(
  role: Role,
  { bucket, prefix = '', signingKey }: PublishedBundles,
): void {
  const objects = bucket.arnForObjects(`${prefix}*`);
  role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObjectVersion'], resources: [objects] }));
  acknowledgeWildcard(role, objects, 'Bundles are named when they are published; all are under this prefix.');
  if (bucket.encryptionKey) {
    const { keyArn } = bucket.encryptionKey;
    role.addToPolicy(new PolicyStatement({ actions: ['kms:Decrypt'], resources: [keyArn] }));
  }
  if (signingKey)
    role.addToPolicy(new PolicyStatement({ actions: ['kms:Verify'], resources: [signingKey.keyArn] }));
}

/** Of the event that S3 sends when one was pushed. */
export const pushPattern = ({ bucket, prefix = '' }: PublishedBundles): EventPattern => ({
  source: ['aws.s3'],
  detailType: ['Object Created'],
  detail: {
    bucket: { name: [bucket.bucketName] },
    object: { key: [{ wildcard: `${prefix}*${PUBLISHED_SUFFIX}` }] },
  },
});
