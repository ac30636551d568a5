/** The event of S3 that somebody pushed a bundle, as the run that it asks for. */
import * as z from 'zod';
import { type BundleAddress, bundleAddressSchema, PUBLISHED_SUFFIX } from './address.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
const pushSchema = z.object({
  bucket: z.object({ name: z.string() }),
  object: z.object({ key: z.string().endsWith(PUBLISHED_SUFFIX), 'version-id': z.string().optional() }),
});

/**
 * The address is all in the event: the version that was pushed, and the digest, of which the key is made. Undefined when
 * the object is not called as published bundles are; `unusable` when it is, and cannot be one.
 */
export function pushedBundle(detail: unknown): BundleAddress | 'unusable' | undefined {
  const pushed = pushSchema.safeParse(detail);
  if (!pushed.success) return undefined;
  const { bucket, object } = pushed.data;
  const sha256 = object.key.slice(0, -PUBLISHED_SUFFIX.length).split('/').at(-1);
  const address = { bucket: bucket.name, key: object.key, versionId: object['version-id'], sha256 };
  return bundleAddressSchema.safeParse(address).data ?? 'unusable';
}
