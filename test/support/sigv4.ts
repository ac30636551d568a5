/**
 * AWS Signature Version 4 from the side of the service: whether a request that arrived is the one that was signed.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, data: string) => createHmac('sha256', key).update(data).digest();

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/(?<scope>[^,]+), ?SignedHeaders=(?<names>[^,]+), ?Signature=(?<signature>\w+)$/;

export interface Signed {
  readonly isGenuine: boolean;
  /** `20261121/us-east-1/s3/aws4_request`. */
  readonly scope: string;
  readonly names: readonly string[];
}

export function checkSignature(request: IncomingMessage, body: Uint8Array, secretKey: string): Signed {
  const {
    scope = '',
    names = '',
    signature,
  } = AUTHORIZATION.exec(request.headers.authorization ?? '')?.groups ?? {};
  const [path = '', search = ''] = (request.url ?? '').split('?');
  const [date = '', region = '', service = '', end = ''] = scope.split('/');
  const signedNames = names.split(';');
  const canonical = [
    request.method,
    // S3 takes the path as it is sent, other services escape it once more.
    service === 's3' ? path : path.split('/').map(encodeURIComponent).join('/'),
    search.split('&').toSorted().join('&'),
    ...signedNames.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secretKey}`, date), region), service), end);
  return { isGenuine: hmac(key, text).toString('hex') === signature, scope, names: signedNames };
}
