/** Bundles in S3; loaded only where a run names one. */
import { awsSettings, KmsSignatures, S3BundleObjects } from '../../lib/adapters/aws-requests/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../../lib/core/errors/index.ts';
import type { Bundle } from '../../lib/core/plan/index.ts';
import {
  type BundleAddress,
  bundleAddressSchema,
  openPublished,
  type PublishedSetting,
  takesNone,
} from '../../lib/core/published/index.ts';

/** The newest that passed every check: a run calls a function again and again with one. */
let opened: { readonly asked: string; readonly bundle: Bundle } | undefined;

/** Throws LS209, LS214 to LS219, LS730 to LS732. */
export async function publishedBundle(
  address: BundleAddress,
  setting: PublishedSetting | undefined,
): Promise<Bundle> {
  if (!setting) throw takesNone();
  const asked = JSON.stringify([address, setting]);
  if (opened?.asked === asked) return opened.bundle;
  const aws = awsSettings(process.env);
  const objects = new S3BundleObjects(aws);
  const signatures = new KmsSignatures(aws, setting.signingKey ?? '');
  const bundle = await openPublished(address, { setting, objects, signatures });
  opened = { asked, bundle };
  return bundle;
}

/** Throws LS102. */
export function readAddress(value: unknown): BundleAddress {
  const parsed = bundleAddressSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new LockstepError('LS102', {
    what: "The address of the bundle in the run's input is not understood.",
    state: NOTHING_CHANGED,
    remedy: 'Start the run with the address that `lockstep bundle --to` printed.',
  });
}
