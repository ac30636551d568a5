import type { IncomingMessage, ServerResponse } from 'node:http';

/** A middleware as Node's own server, Express and Nest take it; for Fastify as a hook, with `request.raw` and `reply.raw`. */
export type RequestGate = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

export interface HoldOptions {
  /** The path of the liveness probe, which is answered meanwhile. Default `/livez`. */
  readonly livePath?: string;
}

/** In seconds: what waits is mostly done by then, and a load balancer asks more often. */
const RETRY_AFTER = '1';

/**
 * Lets a server listen before the schema is ready. Until `start` is fulfilled the liveness probe gets 200, and everything
 * else 503, so that nobody kills the instance and nobody sends it work; from then on every request goes to the app. If
 * `start` is rejected it stays closed; that is told to who awaits `start`, and nothing is thrown here. Requests with
 * `Upgrade` (WebSockets) never come here while the server has a listener for `upgrade`: add that after `await start`.
 */
export function holdRequests(
  start: Promise<unknown>,
  { livePath = '/livez' }: HoldOptions = {},
): RequestGate {
  let status: 'waiting' | 'ready' | 'failed' = 'waiting';
  start.then(
    () => {
      status = 'ready';
    },
    () => {
      status = 'failed';
    },
  );
  return (request, response, next) => {
    if (status === 'ready') return next();
    const isLive = request.url?.split('?', 1)[0] === livePath && status === 'waiting';
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    response.writeHead(isLive ? 200 : 503, isLive ? headers : { ...headers, 'retry-after': RETRY_AFTER });
    response.end(JSON.stringify({ status }));
  };
}
