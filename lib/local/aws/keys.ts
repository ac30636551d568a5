/** AWS KMS, the part about asymmetric keys that sign: real key pairs, made when the key is, that never leave it. */
import { constants, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from 'node:crypto';
import { AwsError, arn, type Service } from './service.ts';

type Spec = 'ECC_NIST_P256' | 'RSA_2048';

interface LocalKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly spec: Spec;
  enabled: boolean;
}

interface Asked {
  readonly KeyId: string;
  /** Base64. */
  readonly Message: string;
  readonly MessageType?: 'RAW' | 'DIGEST';
  readonly SigningAlgorithm: string;
  readonly Signature?: string;
}

const ALGORITHMS: Readonly<Record<Spec, readonly string[]>> = {
  ECC_NIST_P256: ['ECDSA_SHA_256'],
  RSA_2048: ['RSASSA_PSS_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_256'],
};
const MOST_BYTES = 4096;

export class LocalKeys {
  readonly #byArn = new Map<string, LocalKey>();

  /** Gives its ARN. */
  create(spec: Spec = 'ECC_NIST_P256'): string {
    const pair =
      spec === 'RSA_2048'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keyArn = arn('kms', `key/${randomUUID()}`);
    this.#byArn.set(keyArn, { ...pair, spec, enabled: true });
    return keyArn;
  }

  disable(keyArn: string): void {
    this.#set(keyArn, false);
  }

  enable(keyArn: string): void {
    this.#set(keyArn, true);
  }

  #set(keyArn: string, enabled: boolean): void {
    const key = this.#byArn.get(keyArn);
    if (key) key.enabled = enabled;
  }

  /** PEM, for who checks a signature without KMS. */
  publicKeyOf(keyArn: string): string {
    return String(this.#byArn.get(keyArn)?.publicKey.export({ type: 'spki', format: 'pem' }));
  }

  #keyFor({ KeyId, SigningAlgorithm, MessageType }: Asked): LocalKey {
    const key = this.#byArn.get(KeyId);
    if (!key) throw new AwsError('NotFoundException', `Key '${KeyId}' does not exist`);
    if (!key.enabled) throw new AwsError('DisabledException', `${KeyId} is disabled.`);
    if (!ALGORITHMS[key.spec].includes(SigningAlgorithm))
      throw new AwsError(
        'InvalidKeyUsageException',
        `Algorithm ${SigningAlgorithm} is incompatible with key spec ${key.spec}.`,
      );
    if (MessageType === 'DIGEST') throw new AwsError('ValidationException', 'The stand-in signs no digests.');
    return key;
  }

  readonly service: Service = {
    Sign: (asked: Asked) => {
      const { privateKey } = this.#keyFor(asked);
      const { KeyId, SigningAlgorithm } = asked;
      const signature = sign('sha256', messageOf(asked), { key: privateKey, ...paddingOf(SigningAlgorithm) });
      return { KeyId, SigningAlgorithm, Signature: signature.toString('base64') };
    },
    Verify: (asked: Asked) => {
      const { publicKey } = this.#keyFor(asked);
      const { KeyId, SigningAlgorithm, Signature = '' } = asked;
      const key = { key: publicKey, ...paddingOf(SigningAlgorithm) };
      if (!verify('sha256', messageOf(asked), key, Buffer.from(Signature, 'base64')))
        throw new AwsError('KMSInvalidSignatureException', '');
      return { KeyId, SigningAlgorithm, SignatureValid: true };
    },
  };
}

function messageOf({ Message }: Asked): Buffer {
  const message = Buffer.from(Message, 'base64');
  if (message.byteLength > MOST_BYTES)
    throw new AwsError('ValidationException', `The message has more than ${MOST_BYTES} bytes`);
  return message;
}

const paddingOf = (algorithm: string) =>
  algorithm.startsWith('RSASSA_PSS')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
