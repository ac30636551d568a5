/** What the contract of all signals does not say: addresses, secrets, redirects. */
import { afterEach, describe, expect, test } from 'vitest';
import { WebhookSignal } from '../../lib/adapters/webhook/index.ts';
import { rollOut } from '../contract/rollout-signal.contract.ts';
import { startWebhookServer, WEBHOOK_SECRET } from '../support/webhook-server.ts';

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

const signalTo = (url: string, secret = WEBHOOK_SECRET) =>
  new WebhookSignal({ url, secret, nowMs: () => Date.now(), fetch });

async function server() {
  const started = await startWebhookServer();
  close = started.close;
  return started;
}

test('a redirect is not followed: the signature goes to nobody who was not named', async () => {
  const [first, other] = [await server(), await startWebhookServer()];
  first.answerWith(307, { location: other.url });
  await expect(signalTo(first.url).send(rollOut)).rejects.toThrow(/LS702: .* the status 307/);
  expect(other.requests).toEqual([]);
  await other.close();
});

test('a receiver with another secret refuses, and the error holds no secret', async () => {
  const { url } = await server();
  const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const error = await signalTo(url, secret)
    .send(rollOut)
    .then(() => undefined, String);
  expect(error).toMatch(/the status 401/);
  expect(error).not.toContain(secret.slice(6, 20));
});

test('a server that is not there is named by its error', async () => {
  const { url, close: stop } = await startWebhookServer();
  await stop();
  await expect(signalTo(url).send(rollOut)).rejects.toThrow(/LS702: .*ECONNREFUSED/);
});

describe('is refused before anything is sent', () => {
  test.each(['http://127.0.0.1/', 'ftp://a.example', 'hooks', ''])('the address %j', (url) => {
    expect(() => signalTo(url)).toThrow(/LS102: The address of the webhook does not begin with https/);
  });

  test.each(['', 'whsec_', 'secret', `whsec_${Buffer.alloc(8).toString('base64')}`, 'whsec_!!!'])(
    'the secret %j, without repeating it',
    (secret) => {
      const refused = () => signalTo('https://a.example', secret);
      expect(refused).toThrow(/LS102: The secret of the webhook is not whsec_ followed by/);
      if (secret.length > 6) expect(refused).not.toThrow(secret.slice(6));
    },
  );
});
