/** A receiver of webhooks over HTTPS that verifies as the Standard Webhooks specification says. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { selfSigned } from './certificate.ts';

const KEY = Buffer.from('a key of thirty-two bytes, or so');
export const WEBHOOK_SECRET = `whsec_${KEY.toString('base64')}`;

/** One for all servers: OpenSSL looks authorities up by their name, and these all have the same. */
const { keyPem, certificatePem } = selfSigned({ ip: '127.0.0.1' });
const BEFORE = getCACertificates('default');

export interface WebhookServer {
  readonly url: string;
  /** Those with a right signature. */
  readonly requests: readonly { readonly id: string; readonly body: unknown }[];
  answerWith(status: number, headers?: Readonly<Record<string, string>>): void;
  close(): Promise<void>;
}

/** From here on this process trusts the server's certificate. */
export async function startWebhookServer(): Promise<WebhookServer> {
  setDefaultCACertificates([...BEFORE, certificatePem]);
  const requests: { id: string; body: unknown }[] = [];
  let [status, headers]: [number, Readonly<Record<string, string>>] = [204, {}];
  const server = createServer({ key: keyPem, cert: certificatePem }, async (request, response) => {
    const body = await text(request);
    const {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    } = request.headers;
    const expected = createHmac('sha256', KEY).update(`${id}.${timestamp}.${body}`).digest('base64');
    const isRight = signature === `v1,${expected}`;
    if (isRight && status < 300) requests.push({ id: String(id), body: JSON.parse(body) });
    response.writeHead(isRight ? status : 401, headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/lockstep`,
    requests,
    answerWith: (...answer) => {
      [status, headers = {}] = answer;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
