/**
 * The verdict as an HTTPS request, signed as the Standard Webhooks specification 1.0.0 says
 * (https://www.standardwebhooks.com), for which receivers have libraries in most languages: headers `webhook-id`,
 * `webhook-timestamp` (seconds since 1970) and `webhook-signature` (`v1,` and the base64 of the HMAC-SHA256 over
 * `<id>.<timestamp>.<body>`). The body is `{type, timestamp, data}`, with the verdict as data.
 *
 * Invariants
 * - The id is made of the run and its signal: a request that is sent again has the same one, and a receiver that
 *   keeps the ids it has seen does the work once.
 * - Only HTTPS, and no redirect is followed: the signature must not reach a host that nobody named.
 * - The secret is in no error. Of the answer only the status is looked at.
 *
 * Who is authoritative: the verdict. What can fail: LS702 for anything but a status 2xx within TIMEOUT_MS.
 */
import { createHmac } from 'node:crypto';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import {
  EventType,
  type NotSent,
  notSent,
  type RollOutSignal,
  type Verdict,
} from '../../core/rollout/index.ts';

const TIMEOUT_MS = 10_000;
const TYPES = { ROLL_OUT: EventType.rollOut, ROLL_BACK: EventType.rollBack } as const;

const RECEIVER: NotSent = {
  receiver: 'the webhook',
  remedy: 'Check that its address answers from the internet, and that both sides have the same secret.',
};

export interface WebhookOptions {
  readonly url: string;
  /** `whsec_` and the base64 of 24 to 64 bytes. */
  readonly secret: string;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly fetch: typeof fetch;
}

export class WebhookSignal implements RollOutSignal {
  readonly #options: WebhookOptions;
  readonly #key: Buffer;

  /** Throws LS102 for an address that is not HTTPS or a secret that is none. */
  constructor(options: WebhookOptions) {
    if (!URL.canParse(options.url) || new URL(options.url).protocol !== 'https:')
      throw refused('The address of the webhook does not begin with https://.');
    this.#options = options;
    this.#key = webhookKey(options.secret);
  }

  async send(verdict: Verdict): Promise<void> {
    if (verdict.signal === 'NONE') return;
    const { url, nowMs, fetch } = this.#options;
    const now = nowMs();
    const id = `${verdict.run}.${verdict.signal}`;
    const type = TYPES[verdict.signal];
    const body = JSON.stringify({ type, timestamp: new Date(now).toISOString(), data: verdict });
    const timestamp = String(Math.floor(now / 1000));
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature(this.#key, id, timestamp, body),
    };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const reply = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }).catch(
      (error: unknown) => {
        throw notSent(verdict, RECEIVER, withCause(error));
      },
    );
    await reply.body?.cancel();
    if (!reply.ok) throw notSent(verdict, RECEIVER, `it answered with the status ${reply.status}`);
  }
}

/** What `fetch failed` was. */
const withCause = (error: unknown): unknown =>
  error instanceof TypeError && error.cause instanceof Error ? error.cause : error;

export const signature = (key: Buffer, id: string, timestamp: string, body: string): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;

const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const [FEWEST_BYTES, MOST_BYTES] = [24, 64];

/** Throws LS102. */
export function webhookKey(secret: string): Buffer {
  const [, encoded = ''] = SECRET.exec(secret.trim()) ?? [];
  const key = Buffer.from(encoded, 'base64');
  if (key.length >= FEWEST_BYTES && key.length <= MOST_BYTES) return key;
  throw refused(
    `The secret of the webhook is not whsec_ followed by the base64 of ${FEWEST_BYTES} to ${MOST_BYTES} bytes.`,
  );
}

const refused = (what: string): LockstepError =>
  new LockstepError('LS102', {
    what,
    state: NOTHING_CHANGED,
    remedy: 'Correct it in the construct, or in the secret that it names, and deploy again.',
  });
