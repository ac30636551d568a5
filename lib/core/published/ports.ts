/** What a published bundle needs of the world. */
import type { BundleAddress, BundleSignature } from './address.ts';

export interface StoredBundle {
  readonly bytes: Uint8Array;
  /** That the object carries; undefined if there is none that can be read. */
  readonly signature: BundleSignature | undefined;
}

export interface NewObject {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Of the bytes, in hexadecimal. */
  readonly sha256: string;
  readonly signature: BundleSignature | undefined;
  /** The key is made of the content: what is there already is left as it is. */
  readonly once: boolean;
}

/** Objects of a bucket that keeps every version. One suite for all: test/contract/bundle-objects.contract.ts. */
export interface BundleObjects {
  /**
   * Just the version that is named. Throws LS214 when there is none, LS215 when it may not be read, LS219 when it has
   * more than `mostBytes`, LS731 when the store does not answer.
   */
  read(address: BundleAddress, mostBytes: number): Promise<StoredBundle>;
  /**
   * Gives the id of the version that has these bytes now: the one that was made, or with `once` the one that was there.
   * Throws LS731, LS733 when it may not be written or other bytes are there, LS734 when the bucket keeps no versions.
   */
  publish(object: NewObject): Promise<string>;
}

/** One asymmetric key. One suite for all: test/contract/bundle-signatures.contract.ts. */
export interface BundleSignatures {
  /** @param sha256 hexadecimal. Throws LS731, LS733. */
  sign(sha256: string): Promise<BundleSignature>;
  /** Whether it is this key's signature of just this digest. Throws LS731, LS732 when that cannot be told. */
  isGenuine(sha256: string, signature: BundleSignature): Promise<boolean>;
}
