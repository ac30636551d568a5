import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import {
  type BundleSignature,
  type BundleSignatures,
  type SigningAlgorithm,
  signedText,
} from '../../core/published/index.ts';
import { send, textOf } from './send.ts';
import { type AwsSettings, suffixOf } from './settings.ts';

const MOST_BYTES = 64 * 1024;

type Answer =
  | { readonly kind: 'done'; readonly output: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string };

/** An asymmetric key of KMS: the private part never leaves it. */
export class KmsSignatures implements BundleSignatures {
  readonly #settings: AwsSettings;
  readonly #keyId: string;
  readonly #algorithm: SigningAlgorithm;

  /** @param keyId ARN, id or alias; @param algorithm to sign with */
  constructor(settings: AwsSettings, keyId: string, algorithm: SigningAlgorithm = 'ECDSA_SHA_256') {
    this.#settings = settings;
    this.#keyId = keyId;
    this.#algorithm = algorithm;
  }

  async sign(sha256: string): Promise<BundleSignature> {
    const algorithm = this.#algorithm;
    const answer = await this.#ask('Sign', { ...message(sha256), SigningAlgorithm: algorithm });
    if (answer.kind === 'refused') throw unsigned(this.#keyId, answer);
    return { algorithm, value: String(answer.output.Signature) };
  }

  async isGenuine(sha256: string, { algorithm, value }: BundleSignature): Promise<boolean> {
    const answer = await this.#ask('Verify', {
      ...message(sha256),
      Signature: value,
      SigningAlgorithm: algorithm,
    });
    if (answer.kind === 'done') return answer.output.SignatureValid === true;
    if (answer.name === 'KMSInvalidSignatureException') return false;
    throw unverified(this.#keyId, answer);
  }

  async #ask(action: 'Sign' | 'Verify', input: object): Promise<Answer> {
    const { region: own } = this.#settings;
    const region = /^arn:[\w-]+:kms:([\w-]+):/.exec(this.#keyId)?.[1] ?? own;
    const { status, body } = await send(
      {
        service: 'kms',
        region,
        method: 'POST',
        url: new URL(this.#settings.endpoint('kms') ?? `https://kms.${region}.${suffixOf(region)}`),
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `TrentService.${action}`,
        },
        body: new TextEncoder().encode(JSON.stringify({ KeyId: this.#keyId, ...input })),
      },
      this.#settings,
      MOST_BYTES,
    );
    const output = parseJson(textOf(body));
    if (status === 200) return { kind: 'done', output };
    const { __type = String(status), message = output.Message ?? '' } = output;
    return { kind: 'refused', name: String(__type).split('#').at(-1) ?? '', message: String(message) };
  }
}

/** Small enough for KMS to hash it itself. */
const message = (sha256: string) => ({
  Message: Buffer.from(signedText(sha256), 'utf8').toString('base64'),
  MessageType: 'RAW',
});

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

type Refused = Extract<Answer, { kind: 'refused' }>;

const unsigned = (key: string, { name, message }: Refused): LockstepError =>
  new LockstepError('LS733', {
    what: `The bundle could not be signed with ${key}: ${name} ${message}`.trim().replace(/\.?$/, '.'),
    state: `Nothing was published. ${NOTHING_CHANGED}`,
    remedy:
      'Whoever signs needs kms:Sign on an asymmetric key for signing; of an RSA key, name the --signing-algorithm.',
  });

const unverified = (key: string, { name, message }: Refused): LockstepError =>
  new LockstepError('LS732', {
    what: `The signature could not be checked with ${key}: ${name} ${message}`.trim().replace(/\.?$/, '.'),
    state: NOTHING_CHANGED,
    remedy:
      'The key has to be there and enabled, made for signing, and the function has to have kms:Verify on it.',
  });
