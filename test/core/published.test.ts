/** Published bundles: what is checked before anything is parsed, and what an address is made of. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeBundle } from '../../lib/core/plan/index.ts';
import {
  type BundleAddress,
  type BundleSignature,
  bundleAddressSchema,
  type Opening,
  openPublished,
  publishBundle,
  pushedBundle,
  readDestination,
} from '../../lib/core/published/index.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const TEXT = `${JSON.stringify(makeBundle([]))}\n`;
const ADDRESS: BundleAddress = {
  bucket: 'releases',
  key: 'orders/bundle.json',
  versionId: 'v1',
  sha256: sha256(TEXT),
};
const SIGNATURE: BundleSignature = { algorithm: 'ECDSA_SHA_256', value: 'c2lnbmF0dXJl' };
const OTHER: BundleSignature = { algorithm: 'ECDSA_SHA_256', value: 'b3RoZXItb25l' };

interface Stored {
  readonly text?: string;
  readonly signature?: BundleSignature;
  readonly prefix?: string;
  readonly signingKey?: string;
}

/** What was asked of the store and of the key, in order. */
let asked: string[];

function opening({ text = TEXT, signature, prefix = '', signingKey }: Stored): Opening {
  asked = [];
  return {
    setting: { bucket: 'releases', prefix, ...(signingKey ? { signingKey } : {}) },
    objects: {
      read: async ({ key, versionId }) => {
        asked.push(`read ${key} ${versionId}`);
        return { bytes: new TextEncoder().encode(text), signature };
      },
      publish: () => Promise.reject(new Error('not here')),
    },
    signatures: {
      sign: () => Promise.reject(new Error('not here')),
      isGenuine: async (digest, { value }) => {
        asked.push(`verify ${digest}`);
        return value === SIGNATURE.value;
      },
    },
  };
}

describe('opening a published bundle', () => {
  test('reads just the version that is named', async () => {
    expect(await openPublished(ADDRESS, opening({}))).toEqual(makeBundle([]));
    expect(asked).toEqual(['read orders/bundle.json v1']);
  });

  test('refuses other bytes than were asked for before it looks at what they are', async () => {
    const other = openPublished(ADDRESS, opening({ text: 'not even JSON' }));
    await expect(other).rejects.toMatchObject({
      code: 'LS216',
      state: 'Nothing was changed in the database.',
      context: { bucket: 'releases', key: 'orders/bundle.json', versionId: 'v1' },
    });
  });

  test('refuses what has the digest and is no bundle', async () => {
    const address = { ...ADDRESS, sha256: sha256('{}') };
    await expect(openPublished(address, opening({ text: '{}' }))).rejects.toMatchObject({ code: 'LS209' });
  });

  test('without a key for signatures asks for none, and looks at none', async () => {
    await openPublished({ ...ADDRESS, signature: OTHER }, opening({ signature: OTHER }));
    expect(asked).not.toContain(`verify ${ADDRESS.sha256}`);
  });

  test.each([
    ['the address', { signature: SIGNATURE }, undefined],
    ['the object', {}, SIGNATURE],
    ['the address, whatever the object has', { signature: SIGNATURE }, OTHER],
  ])('takes the signature of %s', async (_, ofAddress, ofObject) => {
    const stored = { signingKey: 'k', ...(ofObject ? { signature: ofObject } : {}) };
    await openPublished({ ...ADDRESS, ...ofAddress }, opening(stored));
    expect(asked.at(-1)).toBe(`verify ${ADDRESS.sha256}`);
  });

  test('refuses one that nobody signed, and one that another key signed', async () => {
    const unsigned = openPublished(ADDRESS, opening({ signingKey: 'k' }));
    await expect(unsigned).rejects.toMatchObject({ code: 'LS217' });
    const forged = openPublished({ ...ADDRESS, signature: OTHER }, opening({ signingKey: 'k' }));
    await expect(forged).rejects.toMatchObject({ code: 'LS218' });
  });

  test.each([
    ['another bucket', { bucket: 'elsewhere' }],
    ['another prefix', { key: 'invoices/bundle.json' }],
  ])('does not even read from %s', async (_, other) => {
    const opened = openPublished({ ...ADDRESS, ...other }, opening({ prefix: 'orders/' }));
    await expect(opened).rejects.toMatchObject({ code: 'LS730' });
    expect(asked).toEqual([]);
  });
});

describe('publishing', () => {
  const published: unknown[] = [];
  const objects = {
    read: () => Promise.reject(new Error('not here')),
    publish: async ({ key, once, signature }: { key: string; once: boolean; signature: unknown }) => {
      published.push({ key, once, signature });
      return 'v7';
    },
  };

  test('into a folder names the object after its content, once', async () => {
    const address = await publishBundle(TEXT, { bucket: 'releases', key: 'orders/' }, { objects });
    expect(address).toEqual({
      bucket: 'releases',
      key: `orders/${sha256(TEXT)}.lockstep.json`,
      versionId: 'v7',
      sha256: sha256(TEXT),
    });
    expect(published.at(-1)).toEqual({ key: address.key, once: true, signature: undefined });
    expect(bundleAddressSchema.parse(address)).toEqual(address);
  });

  test('under a key makes a new version of that', async () => {
    const signatures = { sign: async () => SIGNATURE, isGenuine: async () => true };
    const destination = { bucket: 'releases', key: 'orders/latest.json' };
    const address = await publishBundle(TEXT, destination, { objects, signatures });
    expect(address).toMatchObject({ key: 'orders/latest.json', signature: SIGNATURE });
    expect(published.at(-1)).toEqual({ key: 'orders/latest.json', once: false, signature: SIGNATURE });
  });

  test('what no function would take is not published', async () => {
    const large = publishBundle('x'.repeat(32 * 1024 * 1024 + 1), { bucket: 'b-1', key: '' }, { objects });
    await expect(large).rejects.toMatchObject({ code: 'LS219' });
  });

  test.each([
    ['s3://releases', { bucket: 'releases', key: '' }],
    ['s3://releases/', { bucket: 'releases', key: '' }],
    ['s3://releases/orders/', { bucket: 'releases', key: 'orders/' }],
    ['s3://releases/a b/ü.json', { bucket: 'releases', key: 'a b/ü.json' }],
    ['https://releases/orders/', undefined],
    ['s3:///orders/', undefined],
    ['s3://Releases/', undefined],
    ['s3://releases/../other/x', undefined],
    ['s3://releases/..', undefined],
    ['s3://releases/orders/.', undefined],
    ['releases/orders', undefined],
  ])('%s', (url, destination) => {
    expect(readDestination(url)).toEqual(destination);
  });
});

describe('an address', () => {
  test.each([
    ['a bucket that keeps no versions', { versionId: 'null' }],
    ['no version', { versionId: '' }],
    ['a digest in capitals', { sha256: ADDRESS.sha256.toUpperCase() }],
    ['half a digest', { sha256: 'abc' }],
    ['a way out of the prefix', { key: 'orders/../../other/bundle.json' }],
    ['an algorithm that is none', { signature: { algorithm: 'none', value: SIGNATURE.value } }],
    ['a host for a bucket', { bucket: 'evil.example.com/x' }],
  ])('is not one with %s', (_, wrong) => {
    expect(bundleAddressSchema.safeParse({ ...ADDRESS, ...wrong }).success).toBe(false);
  });
});

describe('the event that one was pushed', () => {
  const key = `orders/${ADDRESS.sha256}.lockstep.json`;
  const push = (object: object) => ({ version: '0', bucket: { name: 'releases' }, object, requester: 'x' });

  test('has the whole address', () => {
    const address = pushedBundle(push({ key, size: 5, 'version-id': 'v3', sequencer: '1' }));
    expect(address).toEqual({ bucket: 'releases', key, versionId: 'v3', sha256: ADDRESS.sha256 });
  });

  test('is of no bundle when the object is called otherwise', () => {
    expect(pushedBundle(push({ key: 'orders/bundle.json', 'version-id': 'v3' }))).toBeUndefined();
  });

  test.each([
    ['a name that is no digest', { key: 'orders/newest.lockstep.json', 'version-id': 'v3' }],
    ['no version', { key }],
    ['a bucket whose versioning is suspended', { key, 'version-id': 'null' }],
  ])('is good for nothing with %s', (_, object) => {
    expect(pushedBundle(push(object))).toBe('unusable');
  });
});
