/** From an address to a bundle that may be executed: every check before anything is parsed. */
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { type Bundle, readBundle, sha256 } from '../plan/bundle.ts';
import { type BundleAddress, MOST_BUNDLE_BYTES, type PublishedSetting, urlOf } from './address.ts';
import type { BundleObjects, BundleSignatures, StoredBundle } from './ports.ts';

export interface Opening {
  readonly setting: PublishedSetting;
  readonly objects: BundleObjects;
  /** Of the setting's key; asked only if there is one. */
  readonly signatures: BundleSignatures;
}

/** Throws LS209, LS214 to LS219, LS730 to LS732. */
export async function openPublished(
  address: BundleAddress,
  { setting, objects, signatures }: Opening,
): Promise<Bundle> {
  if (address.bucket !== setting.bucket || !address.key.startsWith(setting.prefix))
    throw notAccepted(address, setting);
  const stored = await objects.read(address, MOST_BUNDLE_BYTES);
  const digest = sha256(stored.bytes);
  if (digest !== address.sha256) throw otherDigest(address, digest);
  if (setting.signingKey !== undefined) await checkSignature(address, stored, setting.signingKey, signatures);
  return readBundle(new TextDecoder().decode(stored.bytes));
}

async function checkSignature(
  address: BundleAddress,
  stored: StoredBundle,
  signingKey: string,
  signatures: BundleSignatures,
): Promise<void> {
  const signature = address.signature ?? stored.signature;
  if (!signature) throw unsigned(address, signingKey);
  if (!(await signatures.isGenuine(address.sha256, signature))) throw forged(address, signingKey);
}

const refusal = (
  code: 'LS216' | 'LS217' | 'LS218' | 'LS730',
  { bucket, key, versionId }: BundleAddress,
  what: string,
  remedy: string,
): LockstepError =>
  new LockstepError(code, {
    what,
    state: NOTHING_CHANGED,
    remedy,
    context: { bucket, key, versionId },
  });

const notAccepted = (address: BundleAddress, { bucket, prefix }: PublishedSetting) =>
  refusal(
    'LS730',
    address,
    `This coordinator takes bundles from s3://${bucket}/${prefix} only, not ${urlOf(address)}.`,
    'Publish the bundle there, or change `bundles` of the construct and deploy it.',
  );

const otherDigest = (address: BundleAddress, digest: string) =>
  refusal(
    'LS216',
    address,
    `The bundle ${urlOf(address)} has the SHA-256 ${digest}, and not ${address.sha256}, which was asked for.`,
    'Start the run with the address that `lockstep bundle --to` printed; if it is that, find out who wrote the object.',
  );

const unsigned = (address: BundleAddress, key: string) =>
  refusal(
    'LS217',
    address,
    `The bundle ${urlOf(address)} is not signed, and this coordinator asks for a signature of ${key}.`,
    'Publish it with `lockstep bundle --to … --signing-key KEY`, and start the run with the address that this prints.',
  );

const forged = (address: BundleAddress, key: string) =>
  refusal(
    'LS218',
    address,
    `The signature of the bundle ${urlOf(address)} is not one of ${key} over this bundle.`,
    'Publish it again with the key that the coordinator asks for; if it was, find out who made the signature.',
  );

/** When a run names a bundle in S3 and the coordinator was not given a bucket. */
export const takesNone = (): LockstepError =>
  new LockstepError('LS730', {
    what: 'The run names a bundle in S3, and this coordinator takes only the one that it was deployed with.',
    state: NOTHING_CHANGED,
    remedy: 'Give the construct `bundles` and deploy it, or start the run without `bundle`.',
  });
