/** What every key that signs bundles promises. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BundleSignatures } from '../../lib/core/published/index.ts';

export interface SignaturesHarness {
  readonly signatures: BundleSignatures;
  /** Another key of the same kind. */
  readonly others: BundleSignatures;
  /** From here on the key can neither sign nor check. */
  disable(): void;
  close(): Promise<void>;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const DIGEST = sha256('a bundle');

export function describeBundleSignatures(name: string, open: () => Promise<SignaturesHarness>): void {
  describe(name, () => {
    let harness: SignaturesHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.close());

    test('its own signature is genuine, of just that digest', async () => {
      const { signatures } = harness;
      const signature = await signatures.sign(DIGEST);
      expect(await signatures.isGenuine(DIGEST, signature)).toBe(true);
      expect(await signatures.isGenuine(sha256('another bundle'), signature)).toBe(false);
    });

    test("another key's signature is not", async () => {
      const signature = await harness.others.sign(DIGEST);
      expect(await harness.signatures.isGenuine(DIGEST, signature)).toBe(false);
    });

    test('nor is one of which a bit is changed, or that is none', async () => {
      const { signatures } = harness;
      const { algorithm, value } = await signatures.sign(DIGEST);
      const bytes = Buffer.from(value, 'base64');
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      expect(await signatures.isGenuine(DIGEST, { algorithm, value: bytes.toString('base64') })).toBe(false);
      const none = { algorithm, value: Buffer.alloc(64, 1).toString('base64') };
      expect(await signatures.isGenuine(DIGEST, none)).toBe(false);
    });

    test('says LS733 when it cannot sign, and LS732 when it cannot tell', async () => {
      const signature = await harness.signatures.sign(DIGEST);
      harness.disable();
      await expect(harness.signatures.sign(DIGEST)).rejects.toMatchObject({ code: 'LS733' });
      await expect(harness.signatures.isGenuine(DIGEST, signature)).rejects.toMatchObject({
        code: 'LS732',
        state: 'Nothing was changed in the database.',
      });
    });
  });
}
