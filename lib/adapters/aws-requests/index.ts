/**
 * Six requests to S3 and KMS, without their clients: signed by the AWS SDK's signer, with the SDK's credentials.
 * Each client would be hundreds of kilobytes of every function that can read a published bundle, for two requests.
 *
 * Invariants
 * - Every request has an end: a try that takes too long is given up, and there are three of them.
 * - A request that is repeated does no harm: reading and checking change nothing; of an object whose key is made of its
 *   content the second try finds the first one's; and under another key it makes one version more, with the same bytes.
 * - No more than the allowed bytes are ever held, whatever the answer says of itself.
 *
 * What can fail: LS214, LS215, LS219, LS731 (retryable), LS732 to LS734, LS750, and LS102 when there is no Region or nobody to
 * sign as.
 */
export { KmsSignatures } from './kms-signatures.ts';
export { S3BundleObjects } from './s3-bundle-objects.ts';
export { S3Reports } from './s3-reports.ts';
export { type AwsSettings, awsSettings } from './settings.ts';
