import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import {
  type BundleAddress,
  type BundleObjects,
  type BundleSignature,
  bundleSignatureSchema,
  type NewObject,
  type StoredBundle,
  tooLarge,
  urlOf,
} from '../../core/published/index.ts';
import { type AwsAnswer, escaped, send, textOf } from './send.ts';
import { type AwsSettings, suffixOf } from './settings.ts';

/** Of the object: `ALGORITHM BASE64`. */
const SIGNATURE = 'x-amz-meta-lockstep-signature';
const MOST_ERROR_BYTES = 64 * 1024;

export class S3BundleObjects implements BundleObjects {
  readonly #settings: AwsSettings;

  constructor(settings: AwsSettings) {
    this.#settings = settings;
  }

  async read(address: BundleAddress, mostBytes: number): Promise<StoredBundle> {
    const query = { versionId: address.versionId };
    const { status, headers, body, ...rest } = await this.#ask('GET', address, { query }, mostBytes);
    if (status !== 200) throw unread(address, { status, headers, body, ...rest });
    if (body === undefined) throw tooLarge(`The bundle ${urlOf(address)}`, mostBytes);
    return { bytes: body, signature: signatureOf(headers[SIGNATURE]) };
  }

  async publish(object: NewObject): Promise<string> {
    const answer = await this.#put(object, object.once);
    if (answer.status === 412) return this.#versionThere(object);
    return versionOf(stored(answer, object), object);
  }

  #put({ bytes, signature, sha256, ...place }: NewObject, onlyNew: boolean): Promise<AwsAnswer> {
    const headers = {
      'content-type': 'application/json',
      // S3 compares: what arrived otherwise is not stored.
      'x-amz-checksum-sha256': base64Of(sha256),
      ...(signature ? { [SIGNATURE]: `${signature.algorithm} ${signature.value}` } : {}),
      ...(onlyNew ? { 'if-none-match': '*' } : {}),
    };
    return this.#ask('PUT', place, { headers, body: bytes });
  }

  async #versionThere(object: NewObject): Promise<string> {
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    const answer = await this.#ask('HEAD', object, { headers });
    if (answer.status !== 200) throw unpublished(object, `it is there, and S3 ${said(answer)}`);
    const checksum = answer.headers['x-amz-checksum-sha256'];
    if (checksum !== undefined && checksum !== base64Of(object.sha256))
      throw unpublished(object, 'other bytes are there under the key of these');
    // It is from the time before the bucket kept versions, and would never get one by itself.
    if (versionIn(answer) === undefined)
      return versionOf(stored(await this.#put(object, false), object), object);
    return versionOf(answer, object);
  }

  #ask(
    method: 'GET' | 'HEAD' | 'PUT',
    place: Pick<BundleAddress, 'bucket' | 'key'>,
    more: {
      readonly query?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array;
    },
    mostBytes = MOST_ERROR_BYTES,
  ): Promise<AwsAnswer> {
    const { region } = this.#settings;
    const url = objectUrl(this.#settings, place);
    return send({ service: 's3', region, method, url, ...more }, this.#settings, mostBytes);
  }
}

/** The bucket is in the host's name, unless that would not fit S3's certificate. */
export function objectUrl(
  { region, endpoint }: Pick<AwsSettings, 'region' | 'endpoint'>,
  { bucket, key }: Pick<BundleAddress, 'bucket' | 'key'>,
): URL {
  const path = key.split('/').map(escaped).join('/');
  const other = endpoint('s3');
  if (other !== undefined) return new URL(`${other.replace(/\/$/, '')}/${bucket}/${path}`);
  const service = `s3.${region}.${suffixOf(region)}`;
  return bucket.includes('.')
    ? new URL(`https://${service}/${bucket}/${path}`)
    : new URL(`https://${bucket}.${service}/${path}`);
}

const base64Of = (sha256: string): string => Buffer.from(sha256, 'hex').toString('base64');

function signatureOf(header: string | string[] | undefined): BundleSignature | undefined {
  const [algorithm, value] = String(header).split(' ');
  return bundleSignatureSchema.safeParse({ algorithm, value }).data;
}

function stored(answer: AwsAnswer, object: NewObject): AwsAnswer {
  if (answer.status !== 200) throw unpublished(object, said(answer));
  return answer;
}

function versionIn({ headers }: AwsAnswer): string | undefined {
  const id = headers['x-amz-version-id'];
  return typeof id === 'string' && id !== 'null' ? id : undefined;
}

function versionOf(answer: AwsAnswer, object: NewObject): string {
  const id = versionIn(answer);
  if (id !== undefined) return id;
  throw new LockstepError('LS734', {
    what: `The bucket ${object.bucket} keeps no versions of its objects, so that ${urlOf(object)} could be replaced at any time.`,
    state: `The object was written, and no run was given it. ${NOTHING_CHANGED}`,
    remedy: "Switch the bucket's versioning on, and publish again.",
  });
}

/** S3's own words; of a HEAD there are none. */
export function said({ status, headers, body }: AwsAnswer): string {
  const [, code] = /<Code>([^<]*)<\/Code>/.exec(textOf(body)) ?? [];
  const region = headers['x-amz-bucket-region'];
  const elsewhere =
    region === undefined || status < 300 || status === 404 ? '' : `; the bucket is in ${region}`;
  return `answers ${status}${code === undefined ? '' : ` ${code}`}${elsewhere}`;
}

function unread(address: BundleAddress, answer: AwsAnswer): LockstepError {
  const { bucket, key, versionId } = address;
  const isMissing = answer.status === 404 || answer.status === 405;
  return new LockstepError(isMissing ? 'LS214' : 'LS215', {
    what: isMissing
      ? `There is no version ${versionId} of ${urlOf(address)} (S3 ${said(answer)}).`
      : `The version ${versionId} of ${urlOf(address)} cannot be read (S3 ${said(answer)}).`,
    state: NOTHING_CHANGED,
    remedy: isMissing
      ? 'Publish the bundle again, and start the run with the address that this prints; keep versions as long as runs need them.'
      : 'Look whether this version is there: to who may not list the bucket, S3 does not say. If it is, let the function read it, with the key that encrypts it.',
    context: { bucket, key, versionId },
  });
}

const unpublished = (object: NewObject, why: string): LockstepError =>
  new LockstepError('LS733', {
    what: `The bundle could not be published as ${urlOf(object)}: ${why}.`,
    state: NOTHING_CHANGED,
    remedy:
      'Whoever publishes needs s3:PutObject and s3:GetObject there, in the Region of the bucket (AWS_REGION).',
  });
