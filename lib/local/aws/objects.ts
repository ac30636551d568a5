/**
 * Amazon S3, the part about objects of buckets that keep every version: PUT, GET and HEAD of one. Any bucket is there.
 * What is written is compared with the checksum that came with it, and tells the event bus.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { PutEvent } from './events.ts';
import { AwsError } from './service.ts';

export interface ObjectRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  /** `/BUCKET/KEY`, and the query. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface ObjectAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | AwsError;
}

interface Version {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Denied to everybody, as to who lacks a right. */
type Denial = (request: {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
}) => boolean;

export class LocalObjects {
  readonly #versions = new Map<string, Version[]>();
  readonly #onCreated: (event: PutEvent) => void;
  /** Buckets that keep only the newest object. */
  readonly unversioned = new Set<string>();
  denies: Denial = () => false;

  constructor(onCreated: (event: PutEvent) => void = () => undefined) {
    this.#onCreated = onCreated;
  }

  /** As who looks into the bucket sees it: ids of versions, the oldest first. */
  versionsOf(bucket: string, key: string): readonly string[] {
    return (this.#versions.get(`${bucket}/${key}`) ?? []).map(({ id }) => id);
  }

  /** The newest one, as text. */
  read(bucket: string, key: string): string | undefined {
    const newest = this.#versions.get(`${bucket}/${key}`)?.at(-1);
    return newest && Buffer.from(newest.bytes).toString('utf8');
  }

  /** Other bytes in a version that is there: what S3 never does, and nobody should have to believe. */
  corrupt(bucket: string, key: string, bytes: Uint8Array): void {
    const path = `${bucket}/${key}`;
    const versions = this.#versions.get(path) ?? [];
    this.#versions.set(
      path,
      versions.map((version) => ({ ...version, bytes })),
    );
  }

  delete(bucket: string, key: string): void {
    this.#versions.delete(`${bucket}/${key}`);
  }

  answer({ method, url, headers, body }: ObjectRequest): ObjectAnswer {
    const [, bucket = '', ...segments] = url.pathname.split('/').map(decodeURIComponent);
    const key = segments.join('/');
    if (this.denies({ method, bucket, key })) return failed(403, 'AccessDenied', 'Access Denied');
    return method === 'PUT'
      ? this.#put({ bucket, key }, headers, body)
      : this.#get({ bucket, key }, method, url.searchParams.get('versionId'));
  }

  #get({ bucket, key }: Place, method: 'GET' | 'HEAD', versionId: string | null): ObjectAnswer {
    const versions = this.#versions.get(`${bucket}/${key}`);
    const found = versionId === null ? versions?.at(-1) : versions?.find(({ id }) => id === versionId);
    if (!found) {
      const code = versionId === null ? 'NoSuchKey' : 'NoSuchVersion';
      return failed(404, code, `The specified ${versionId === null ? 'key' : 'version'} does not exist.`);
    }
    const { id, bytes, metadata } = found;
    return {
      status: 200,
      headers: {
        ...metadata,
        'x-amz-version-id': id,
        'x-amz-checksum-sha256': sha256Of(bytes),
        'content-length': String(bytes.byteLength),
      },
      body: method === 'HEAD' ? new Uint8Array() : bytes,
    };
  }

  #put({ bucket, key }: Place, headers: ObjectRequest['headers'], bytes: Uint8Array): ObjectAnswer {
    const path = `${bucket}/${key}`;
    const before = this.#versions.get(path) ?? [];
    if (headers['if-none-match'] === '*' && before.length > 0)
      return failed(
        412,
        'PreconditionFailed',
        'At least one of the pre-conditions you specified did not hold',
      );
    const checksum = headers['x-amz-checksum-sha256'];
    if (checksum !== undefined && checksum !== sha256Of(bytes))
      return failed(400, 'BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
    const keepsVersions = !this.unversioned.has(bucket);
    const id = keepsVersions ? randomUUID().replaceAll('-', '') : 'null';
    const metadata = Object.fromEntries(
      Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-')),
    ) as Record<string, string>;
    this.#versions.set(path, [...(keepsVersions ? before : []), { id, bytes, metadata }]);
    const object = { key, size: bytes.byteLength, ...(keepsVersions ? { 'version-id': id } : {}) };
    this.#onCreated({
      source: 'aws.s3',
      detailType: 'Object Created',
      detail: { version: '0', bucket: { name: bucket }, object, reason: 'PutObject' },
    });
    return {
      status: 200,
      headers: keepsVersions ? { 'x-amz-version-id': id } : {},
      body: new Uint8Array(),
    };
  }
}

interface Place {
  readonly bucket: string;
  readonly key: string;
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

const failed = (status: number, code: string, message: string): ObjectAnswer => ({
  status,
  headers: {},
  body: new AwsError(code, message),
});
