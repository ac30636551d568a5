/** From a bundle to an address, once its bytes are where others find them. */
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { sha256 } from '../plan/catalog.ts';
import { type BundleAddress, bundleAddressSchema, MOST_BUNDLE_BYTES, PUBLISHED_SUFFIX } from './address.ts';
import type { BundleObjects, BundleSignatures } from './ports.ts';

/** `key` empty or with a slash at its end: a folder, in which the object is named after its content. */
export interface Destination {
  readonly bucket: string;
  readonly key: string;
}

const DESTINATION = /^s3:\/\/(?<bucket>[^/]+)(?:\/(?<key>.*))?$/;

/** Undefined for what is no `s3://BUCKET/KEY`. */
export function readDestination(url: string): Destination | undefined {
  const { bucket = '', key = '' } = DESTINATION.exec(url)?.groups ?? {};
  const { shape } = bundleAddressSchema;
  // In a folder it is the object that has a name.
  const object = isFolder(key) ? `${key}x` : key;
  const isUsable = shape.bucket.safeParse(bucket).success && shape.key.safeParse(object).success;
  return isUsable ? { bucket, key } : undefined;
}

const isFolder = (key: string): boolean => key === '' || key.endsWith('/');

/** Throws LS219, LS731, LS733, LS734. */
export async function publishBundle(
  text: string,
  { bucket, key: place }: Destination,
  {
    objects,
    signatures,
  }: { readonly objects: BundleObjects; readonly signatures?: BundleSignatures | undefined },
): Promise<BundleAddress> {
  const bytes = new TextEncoder().encode(text);
  if (bytes.byteLength > MOST_BUNDLE_BYTES) throw tooLarge('The bundle', MOST_BUNDLE_BYTES);
  const digest = sha256(bytes);
  const once = isFolder(place);
  const key = once ? `${place}${digest}${PUBLISHED_SUFFIX}` : place;
  const signature = await signatures?.sign(digest);
  const versionId = await objects.publish({ bucket, key, bytes, sha256: digest, signature, once });
  return { bucket, key, versionId, sha256: digest, ...(signature ? { signature } : {}) };
}

/** @param what as a sentence begins */
export const tooLarge = (what: string, mostBytes: number): LockstepError =>
  new LockstepError('LS219', {
    what: `${what} is larger than the ${mostBytes} bytes that a function takes.`,
    state: NOTHING_CHANGED,
    remedy: 'Load data otherwise than by migrations, or deploy the migrations with the construct.',
  });
