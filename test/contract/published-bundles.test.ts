/** The adapters of both ports, on the stand-ins that the local runtime has for S3 and KMS. */
import { verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { KmsSignatures, S3BundleObjects } from '../../lib/adapters/aws-requests/index.ts';
import type { SigningAlgorithm } from '../../lib/core/published/index.ts';
import { LocalKeys } from '../../lib/local/aws/keys.ts';
import { LocalObjects } from '../../lib/local/aws/objects.ts';
import { settingsFor, startLocalAws } from '../support/local-aws.ts';
import { describeBundleObjects } from './bundle-objects.contract.ts';
import { describeBundleSignatures } from './bundle-signatures.contract.ts';

describeBundleObjects('S3BundleObjects', async () => {
  const s3 = new LocalObjects();
  const { endpoint, stop } = await startLocalAws({ s3 });
  return {
    objects: new S3BundleObjects(settingsFor(endpoint)),
    deny: () => {
      s3.denies = () => true;
    },
    keepNoVersions: (bucket) => s3.unversioned.add(bucket),
    keepVersions: (bucket) => s3.unversioned.delete(bucket),
    close: stop,
  };
});

async function signaturesHarness(spec: 'ECC_NIST_P256' | 'RSA_2048', algorithm: SigningAlgorithm) {
  const keys = new LocalKeys();
  const { endpoint, stop } = await startLocalAws({ kms: keys.service });
  const [own, other] = [keys.create(spec), keys.create(spec)];
  const settings = settingsFor(endpoint);
  return {
    signatures: new KmsSignatures(settings, own, algorithm),
    others: new KmsSignatures(settings, other, algorithm),
    disable: () => keys.disable(own),
    close: stop,
  };
}

for (const [spec, algorithm] of [
  ['ECC_NIST_P256', 'ECDSA_SHA_256'],
  ['RSA_2048', 'RSASSA_PSS_SHA_256'],
  ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256'],
] as const) {
  describeBundleSignatures(`KmsSignatures, ${algorithm}`, () => signaturesHarness(spec, algorithm));
}

test('a signature can be checked without KMS, by who has the public key', async () => {
  const keys = new LocalKeys();
  const { endpoint, stop } = await startLocalAws({ kms: keys.service });
  const own = keys.create();
  const { value } = await new KmsSignatures(settingsFor(endpoint), own).sign('ab'.repeat(32));
  const text = Buffer.from(`lockstep-bundle:sha256:${'ab'.repeat(32)}`);
  expect(verify('sha256', text, keys.publicKeyOf(own), Buffer.from(value, 'base64'))).toBe(true);
  await stop();
});

test('an algorithm that the key does not have is refused with what to name', async () => {
  const keys = new LocalKeys();
  const { endpoint, stop } = await startLocalAws({ kms: keys.service });
  const signing = new KmsSignatures(settingsFor(endpoint), keys.create('RSA_2048')).sign('ab'.repeat(32));
  await expect(signing).rejects.toThrow(/LS733: .*InvalidKeyUsageException.*\n.*\n.*--signing-algorithm/);
  await stop();
});
