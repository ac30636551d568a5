/** One signed request, tried until it is answered, or for the last time. */
import { request as http, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as https } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { SignatureV4 } from '@smithy/signature-v4';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import type { AwsSettings, Service } from './settings.ts';
import { Sha256 } from './sha256.ts';

export interface AwsRequest {
  readonly service: Service;
  readonly region: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  /** With its path, without a query. */
  readonly url: URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface AwsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Undefined when it has more bytes than were allowed. */
  readonly body: Uint8Array | undefined;
}

const TRIES = 3;
const PAUSE_MS = 200;
/** So long without a word, or without a connection: a subnet that has no way to the service. */
const IDLE_MS = 10_000;

/** Any answer but one that says that it may be another one soon. Throws LS102 without credentials, LS731. */
export async function send(
  request: AwsRequest,
  settings: AwsSettings,
  mostBytes: number,
): Promise<AwsAnswer> {
  for (let tried = 1; ; tried += 1) {
    const tries = await attempt(request, settings, mostBytes);
    if (tries.kind === 'answered') return tries.answer;
    if (tried === TRIES) throw unanswered(request, tries.why, tries.cause);
    await delay(PAUSE_MS * 2 ** tried);
  }
}

type Attempt =
  | { readonly kind: 'answered'; readonly answer: AwsAnswer }
  | { readonly kind: 'again'; readonly why: string; readonly cause?: unknown };

async function attempt(request: AwsRequest, settings: AwsSettings, mostBytes: number): Promise<Attempt> {
  const { url, headers } = await signed(request, settings);
  try {
    const response = await exchange(request, url, headers, settings.timeoutMs);
    const { statusCode: status = 0 } = response;
    const answer = { status, headers: response.headers, body: await readAtMost(response, mostBytes) };
    const again = status >= 500 || status === 429 || status === 409 || isThrottled(answer);
    return again ? { kind: 'again', why: `answered with ${status}` } : { kind: 'answered', answer };
  } catch (cause) {
    return { kind: 'again', why: (cause as Error).message, cause };
  }
}

/** Not by `fetch`, which adds headers of its own to a conditional request: S3 would keep them with the object. */
function exchange(
  { method, body }: AwsRequest,
  url: URL,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<IncomingMessage> {
  const begin = url.protocol === 'https:' ? https : http;
  const options = { method, headers, timeout: IDLE_MS, signal: AbortSignal.timeout(timeoutMs) };
  return new Promise((resolve, reject) => {
    const request = begin(url, options, resolve);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`silent for ${IDLE_MS / 1000} s`)));
    request.end(body);
  });
}

/** KMS says so with the status of a mistake. */
const isThrottled = ({ status, body }: AwsAnswer): boolean =>
  status === 400 && /Throttling|RequestTimeout|SlowDown/.test(textOf(body).slice(0, 500));

async function readAtMost(response: IncomingMessage, mostBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.byteLength;
    // Leaving the loop ends the transfer.
    if (length > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

async function signed(
  { service, region, method, url, query = {}, headers = {}, body }: AwsRequest,
  settings: AwsSettings,
) {
  // The paths of S3 are keys: they are signed as they are sent.
  const signer = new SignatureV4({
    service,
    region,
    credentials: settings.credentials,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
  });
  const unsigned = {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: { ...query },
    headers: { ...headers, host: url.host },
    ...(body ? { body } : {}),
  };
  const { headers: own } = await signer.sign(unsigned).catch(nobody);
  const search = Object.entries(query).map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
  const whole = new URL(url);
  whole.search = search.join('&');
  return { url: whole, headers: own };
}

/** As the signer escapes: RFC 3986. */
export const escaped = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export const textOf = (body: Uint8Array | undefined): string => new TextDecoder().decode(body);

function nobody(cause: unknown): never {
  throw new LockstepError('LS102', {
    what: `There are no AWS credentials to sign with: ${(cause as Error).message}.`,
    state: NOTHING_CHANGED,
    remedy: 'Set the credentials as for the AWS command line, and look with `aws sts get-caller-identity`.',
    cause,
  });
}

const NAMES = { s3: 'S3', kms: 'KMS' } as const;

const unanswered = ({ service, url }: AwsRequest, why: string, cause: unknown): LockstepError =>
  new LockstepError('LS731', {
    what: `${NAMES[service]} (${url.host}) gave no answer: ${why}.`,
    state: NOTHING_CHANGED,
    remedy: `Try again; from a subnet without a way to the internet ${NAMES[service]} needs a VPC endpoint.`,
    cause,
  });
