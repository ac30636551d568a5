/** Where a published bundle is, and what it has to be. */
import * as z from 'zod';
import { SIGNING_ALGORITHMS } from './algorithms.ts';

export const bundleSignatureSchema = z.object({
  algorithm: z.enum(SIGNING_ALGORITHMS),
  /** Base64. */
  value: z.string().regex(/^[A-Za-z0-9+/]{8,1400}={0,2}$/),
});
export type BundleSignature = z.infer<typeof bundleSignatureSchema>;

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** A path of a URL would lose them. */
const DOT_SEGMENT = /(^|\/)\.{1,2}(\/|$)/;

/** One version of one object, and the SHA-256 of its content. */
export const bundleAddressSchema = z.object({
  bucket: z.string().regex(BUCKET),
  key: z
    .string()
    .min(1)
    .max(1024)
    .refine((key) => !DOT_SEGMENT.test(key), 'has a segment of dots'),
  /** `null` is what a bucket calls it that keeps no versions. */
  versionId: z
    .string()
    .min(1)
    .max(1024)
    .refine((id) => id !== 'null', 'is of a bucket that keeps no versions'),
  /** Of the object's bytes, in hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Absent: the object carries it, or there is none. */
  signature: bundleSignatureSchema.optional(),
});
export type BundleAddress = z.infer<typeof bundleAddressSchema>;

/** What a coordinator accepts. */
export const publishedSettingSchema = z.object({
  bucket: z.string().min(1),
  /** What keys begin with; may be empty. */
  prefix: z.string(),
  /** ARN of the KMS key that has to have signed; absent: signatures are not asked for. */
  signingKey: z.string().optional(),
});
export type PublishedSetting = z.infer<typeof publishedSettingSchema>;

/** Of keys that are made of the content: only a push of one of these starts a run. */
export const PUBLISHED_SUFFIX = '.lockstep.json';

/** A hundred times the bundle of a thousand ordinary migrations; parsed it fits into a function's memory. */
export const MOST_BUNDLE_BYTES = 32 * 1024 * 1024;

export const urlOf = ({ bucket, key }: Pick<BundleAddress, 'bucket' | 'key'>): string =>
  `s3://${bucket}/${key}`;

/**
 * What is signed: a text that nothing else is, so that no signature made for another purpose can pass for one of a bundle.
 * @param sha256 of the object's bytes, in hexadecimal
 */
export const signedText = (sha256: string): string => ['lockstep-bundle', 'sha256', sha256].join(':');
