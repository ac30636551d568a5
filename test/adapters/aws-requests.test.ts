/** The requests to S3 and KMS on the wire: signed as they are sent, tried again, given up. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { awsSettings, KmsSignatures, S3BundleObjects } from '../../lib/adapters/aws-requests/index.ts';
import { objectUrl } from '../../lib/adapters/aws-requests/s3-bundle-objects.ts';
import type { BundleAddress } from '../../lib/core/published/index.ts';
import { settingsFor } from '../support/local-aws.ts';
import { checkSignature } from '../support/sigv4.ts';

const ADDRESS: BundleAddress = {
  bucket: 'releases',
  key: "orders/a b+ü'(1)!*~%41.json",
  versionId: 'a+b/c=',
  sha256: 'ab'.repeat(32),
};
const SIGNATURE = { algorithm: 'ECDSA_SHA_256', value: 'c2lnbmF0dXJl' } as const;
const DIGEST = 'cd'.repeat(32);

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1';

/**
 * As version 3.1160 of the SDK's clients for S3 and KMS sends the same, recorded: but for what tells them apart
 * (`x-id`, user agent, checksums that are asked for) and what depends on the moment.
 */
const PATH = '/releases/orders/a%20b%2B%C3%BC%27%281%29%21%2A~%2541.json';
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const AS_THE_SDK = {
  GetObject: {
    line: `GET ${PATH}?versionId=a%2Bb%2Fc%3D`,
    headers: { 'x-amz-content-sha256': EMPTY_SHA256 },
    body: '',
  },
  PutObject: {
    line: `PUT ${PATH}`,
    headers: {
      'content-type': 'application/json',
      'x-amz-checksum-sha256': 'AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=',
      'if-none-match': '*',
      'x-amz-meta-lockstep-signature': 'ECDSA_SHA_256 c2lnbmF0dXJl',
      'content-length': '7',
      'x-amz-content-sha256': '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862',
    },
    body: '{"a":1}',
  },
  Verify: {
    line: 'POST /',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'TrentService.Verify',
      'content-length': expect.any(String),
      'x-amz-content-sha256': expect.stringMatching(/^[0-9a-f]{64}$/),
    },
    body: {
      KeyId: KEY,
      Message: Buffer.from(`lockstep-bundle:sha256:${DIGEST}`).toString('base64'),
      MessageType: 'RAW',
      Signature: SIGNATURE.value,
      SigningAlgorithm: 'ECDSA_SHA_256',
    },
  },
};

interface Arrived {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}
function wireOf({ request, body }: Arrived) {
  const headers = Object.entries(request.headers).filter(
    ([name]) =>
      !/^(authorization|x-amz-date|host|connection|accept.*|user-agent|sec-fetch-mode|x-amz-security-token)$/.test(
        name,
      ),
  );
  const text = body.toString();
  return {
    line: `${request.method} ${request.url}`,
    headers: Object.fromEntries(headers),
    body: request.method === 'POST' ? JSON.parse(text) : text,
  };
}

type Answer = (response: ServerResponse, arrived: Arrived) => void;

/** Answers one request after the other as it is told, the last answer again and again. */
async function serve(...answers: readonly Answer[]) {
  const arrived: Arrived[] = [];
  const server = createServer(async (request, response) => {
    const next = { request, body: await buffer(request) };
    arrived.push(next);
    answers[Math.min(arrived.length, answers.length) - 1]?.(response, next);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint, arrived };
}

const status =
  (code: number, body = '', headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end(body);
const OK = status(200, '{}', { 'x-amz-version-id': 'v1' });
const hangUp: Answer = (response) => response.socket?.destroy();
const neverAnswer: Answer = () => undefined;

describe('a request', () => {
  test('of S3 is signed as it is sent, whatever characters the key has', async () => {
    const { endpoint, arrived } = await serve(OK);
    const objects = new S3BundleObjects(settingsFor(endpoint));
    await objects.read(ADDRESS, 1000);
    const bytes = Buffer.from('{"a":1}');
    await objects.publish({
      ...ADDRESS,
      bytes,
      sha256: AS_THE_SDK.PutObject.headers['x-amz-content-sha256'],
      signature: SIGNATURE,
      once: true,
    });
    const signed = arrived.map(({ request, body }) => checkSignature(request, body, 'local'));
    expect(signed.map(({ isGenuine }) => isGenuine)).toEqual([true, true]);
    expect(signed[0]?.scope).toMatch(/^\d{8}\/us-east-1\/s3\/aws4_request$/);
    expect(arrived.map(wireOf)).toEqual([AS_THE_SDK.GetObject, AS_THE_SDK.PutObject]);
    // What is signed cannot be left out on the way.
    expect(signed[1]?.names).toEqual(
      expect.arrayContaining(['if-none-match', 'x-amz-checksum-sha256', 'x-amz-meta-lockstep-signature']),
    );
  });

  test("of KMS goes to the key's Region, and is signed", async () => {
    const { endpoint, arrived } = await serve(status(200, '{"SignatureValid":true}'));
    expect(await new KmsSignatures(settingsFor(endpoint), KEY).isGenuine(DIGEST, SIGNATURE)).toBe(true);
    const [{ request, body } = expect.fail('no request')] = arrived;
    const { isGenuine, scope } = checkSignature(request, body, 'local');
    expect(isGenuine).toBe(true);
    expect(scope).toMatch(/^\d{8}\/eu-central-1\/kms\/aws4_request$/);
    expect(wireOf({ request, body })).toEqual(AS_THE_SDK.Verify);
  });

  test('carries the token of temporary credentials', async () => {
    const { endpoint, arrived } = await serve(OK);
    const credentials = { accessKeyId: 'a', secretAccessKey: 's', sessionToken: 'temporary' };
    await new S3BundleObjects({ ...settingsFor(endpoint), credentials }).read(ADDRESS, 1000);
    expect(arrived[0]?.request.headers['x-amz-security-token']).toBe('temporary');
  });
});

describe('tries', () => {
  test.each([
    ['an answer that S3 is busy', status(503, '<Error><Code>SlowDown</Code></Error>')],
    ['a connection that breaks', hangUp],
    ['two who write at once', status(409, '<Error><Code>ConditionalRequestConflict</Code></Error>')],
    ['too many requests', status(429)],
    ['a throttled request', status(400, '{"__type":"ThrottlingException"}')],
  ])('again after %s', async (_, answer) => {
    const { endpoint, arrived } = await serve(answer, answer, OK);
    await new S3BundleObjects(settingsFor(endpoint)).read(ADDRESS, 1000);
    expect(arrived).toHaveLength(3);
  });

  test.each([
    ['answers that the service failed', status(500)],
    ['connections that break', hangUp],
    ['no answer at all', neverAnswer],
  ])('no more after three times %s, and says LS731, which a state tries again', async (_, answer) => {
    const { endpoint, arrived } = await serve(answer);
    const reading = new S3BundleObjects(settingsFor(endpoint, 300)).read(ADDRESS, 1000);
    await expect(reading).rejects.toMatchObject({ code: 'LS731', retryable: true });
    expect(arrived).toHaveLength(3);
  });

  test('once when the answer is clear, and names what S3 said and where the bucket is', async () => {
    const moved = status(301, '<Error><Code>PermanentRedirect</Code></Error>', {
      'x-amz-bucket-region': 'eu-west-1',
    });
    const { endpoint, arrived } = await serve(moved);
    const reading = new S3BundleObjects(settingsFor(endpoint)).read(ADDRESS, 1000);
    await expect(reading).rejects.toThrow(/LS215: .*301 PermanentRedirect; the bucket is in eu-west-1/);
    expect(arrived).toHaveLength(1);
  });

  test('not to read on when there are more bytes than are allowed, whatever was announced', async () => {
    const forever = function* () {
      for (;;) yield 'x'.repeat(65_536);
    };
    const endless: Answer = (response) => void Readable.from(forever()).pipe(response.writeHead(200));
    const { endpoint } = await serve(endless);
    const reading = new S3BundleObjects(settingsFor(endpoint)).read(ADDRESS, 100_000);
    await expect(reading).rejects.toMatchObject({ code: 'LS219' });
  });

  test('an upload whose reply was lost finds what it had written', async () => {
    const there = status(200, '', { 'x-amz-version-id': 'v1' });
    const { endpoint, arrived } = await serve(hangUp, status(412), there);
    const object = { ...ADDRESS, bytes: Buffer.from('x'), signature: undefined, once: true };
    expect(await new S3BundleObjects(settingsFor(endpoint)).publish(object)).toBe('v1');
    expect(arrived.map(({ request }) => request.method)).toEqual(['PUT', 'PUT', 'HEAD']);
  });
});

describe('where requests go', () => {
  const at = (region: string, bucket: string) =>
    objectUrl({ region, endpoint: () => undefined }, { bucket, key: 'a/b.json' }).href;

  test.each([
    ['eu-west-1', 'releases', 'https://releases.s3.eu-west-1.amazonaws.com/a/b.json'],
    ['eu-west-1', 'my.releases', 'https://s3.eu-west-1.amazonaws.com/my.releases/a/b.json'],
    ['cn-north-1', 'releases', 'https://releases.s3.cn-north-1.amazonaws.com.cn/a/b.json'],
  ])('in %s to the bucket %s', (region, bucket, url) => {
    expect(at(region, bucket)).toBe(url);
  });

  test("is said by the SDK's variables", () => {
    const env = {
      AWS_REGION: '',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: 'http://all',
      AWS_ENDPOINT_URL_KMS: 'http://kms',
    };
    const { region, endpoint } = awsSettings(env);
    expect([region, endpoint('s3'), endpoint('kms')]).toEqual(['eu-west-1', 'http://all', 'http://kms']);
    expect(() => awsSettings({})).toThrow(/LS102: No AWS Region is set/);
  });

  test('without credentials nowhere', async () => {
    const { endpoint, arrived } = await serve(OK);
    const credentials = () => Promise.reject(new Error('Could not load credentials from any providers'));
    const reading = new S3BundleObjects({ ...settingsFor(endpoint), credentials }).read(ADDRESS, 1000);
    await expect(reading).rejects.toThrow(/LS102: There are no AWS credentials.*any providers\.\n/);
    expect(arrived).toEqual([]);
  });
});
