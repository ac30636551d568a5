/** What every store of published bundles promises. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BundleObjects, BundleSignature, NewObject } from '../../lib/core/published/index.ts';

export interface ObjectsHarness {
  readonly objects: BundleObjects;
  /** From here on nobody may read, or write. */
  deny(): void;
  /** This bucket keeps the newest object only. */
  keepNoVersions(bucket: string): void;
  /** From here on it keeps all of them, as when its versioning is switched on. */
  keepVersions(bucket: string): void;
  close(): Promise<void>;
}

const BUCKET = 'releases';
const SIGNATURE: BundleSignature = { algorithm: 'RSASSA_PSS_SHA_256', value: 'c2lnbmVkIGJ5IG1l' };
const MOST = 1_000_000;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function newObject(text: string, given: Partial<NewObject> = {}): NewObject {
  const bytes = new TextEncoder().encode(text);
  const rest = { bucket: BUCKET, key: 'orders/bundle.json', signature: undefined, once: false };
  return { ...rest, bytes, sha256: sha256(bytes), ...given };
}

export function describeBundleObjects(name: string, open: () => Promise<ObjectsHarness>): void {
  describe(name, () => {
    let harness: ObjectsHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.close());

    const textOf = async (object: NewObject, versionId: string) => {
      const { bytes } = await harness.objects.read({ ...object, signature: undefined, versionId }, MOST);
      return new TextDecoder().decode(bytes);
    };

    test('gives back what was written, with the signature that came with it', async () => {
      const object = newObject('{"ü":1}\n', { signature: SIGNATURE });
      const versionId = await harness.objects.publish(object);
      const address = { ...object, signature: undefined, versionId };
      const { bytes, signature } = await harness.objects.read(address, MOST);
      expect(new TextDecoder().decode(bytes)).toBe('{"ü":1}\n');
      expect(signature).toEqual(SIGNATURE);
    });

    test.each(['a b/ü+(1)!*.json', "it's/~x/%41.json", 'deep/er/and_deeper=1/@x.json'])(
      'takes the key %s as it is',
      async (key) => {
        const object = newObject(key, { key });
        expect(await textOf(object, await harness.objects.publish(object))).toBe(key);
      },
    );

    test('reads the version that is named, however many came after it', async () => {
      const first = newObject('first');
      const versionId = await harness.objects.publish(first);
      const newest = await harness.objects.publish(newObject('second'));
      expect(newest).not.toBe(versionId);
      expect(await textOf(first, versionId)).toBe('first');
      expect(await textOf(first, newest)).toBe('second');
    });

    test('writes what is named after its content once, and finds it again', async () => {
      const object = newObject('once', { key: 'orders/digest', once: true });
      const versionId = await harness.objects.publish(object);
      expect(await harness.objects.publish(object)).toBe(versionId);
      const both = await Promise.all([harness.objects.publish(object), harness.objects.publish(object)]);
      expect(both).toEqual([versionId, versionId]);
    });

    test('says LS733 when other bytes are there under the name of these', async () => {
      await harness.objects.publish(newObject('other', { key: 'orders/digest' }));
      const object = newObject('mine', { key: 'orders/digest', once: true });
      await expect(harness.objects.publish(object)).rejects.toMatchObject({ code: 'LS733' });
    });

    test('says LS214 when there is no such object, or no such version', async () => {
      const object = newObject('x');
      const versionId = await harness.objects.publish(object);
      await expect(textOf(object, `${versionId}0`)).rejects.toMatchObject({
        code: 'LS214',
        state: 'Nothing was changed in the database.',
      });
      const elsewhere = { ...object, key: 'orders/none.json' };
      await expect(textOf(elsewhere, versionId)).rejects.toMatchObject({ code: 'LS214' });
    });

    test('says LS215 when it may not be read, LS733 when it may not be written', async () => {
      const object = newObject('x');
      const versionId = await harness.objects.publish(object);
      harness.deny();
      await expect(textOf(object, versionId)).rejects.toMatchObject({ code: 'LS215' });
      await expect(harness.objects.publish(object)).rejects.toMatchObject({ code: 'LS733' });
    });

    test('says LS219 when it has more bytes than are allowed, and takes just as many', async () => {
      const object = newObject('x'.repeat(1000));
      const address = { ...object, signature: undefined, versionId: await harness.objects.publish(object) };
      expect((await harness.objects.read(address, 1000)).bytes.byteLength).toBe(1000);
      await expect(harness.objects.read(address, 999)).rejects.toMatchObject({ code: 'LS219' });
    });

    test('says LS734 when the bucket keeps no versions, and what is there gets one when it does again', async () => {
      harness.keepNoVersions(BUCKET);
      const object = newObject('x', { once: true });
      for (const _ of ['new', 'there already'])
        await expect(harness.objects.publish(object)).rejects.toMatchObject({ code: 'LS734' });
      harness.keepVersions(BUCKET);
      expect(await textOf(object, await harness.objects.publish(object))).toBe('x');
    });
  });
}
