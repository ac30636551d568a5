/** Fifty executions of the workflow at once, on the local runtime; a part of `npm run test:load`. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import type { Verdict } from '../../lib/core/rollout/index.ts';
import { peakConnections } from '../bench/frame/watch.ts';
import { type Files, startCoordinator } from '../e2e/local-workflow.ts';

const EXECUTIONS = 50;
const MIGRATIONS = 8;
const LIMIT_MS = 600_000;
/** Each execution's functions are one connection at a time, with two more while SQL runs; and the one that counts. */
const MOST_CONNECTIONS = EXECUTIONS + 3;
/** A look or a write of the lease is at most three; who waits looks each 2 to 15 s. */
const MOST_REQUESTS_EACH = 60;

const FILES: Files = {
  '0001_table.sql': 'CREATE TABLE effects (n int);',
  ...Object.fromEntries(
    Array.from({ length: MIGRATIONS - 1 }, (_, i) => [
      `${String(i + 2).padStart(4, '0')}_effect.sql`,
      `INSERT INTO effects VALUES (${i}); SELECT pg_sleep(0.1);`,
    ]),
  ),
};

/** Requests to the DynamoDB API, which is served in this process. */
function countRequests(): { readonly stop: () => number } {
  let requests = 0;
  const count = (message: unknown) => {
    const { request } = message as { readonly request: IncomingMessage };
    if (String(request.headers['x-amz-target']).startsWith('DynamoDB_')) requests += 1;
  };
  subscribe('http.server.request.start', count);
  return {
    stop: () => {
      unsubscribe('http.server.request.start', count);
      return requests;
    },
  };
}

it(
  `${EXECUTIONS} executions at once: one applies, and all let the app roll out`,
  async () => {
    const coordinator = await startCoordinator();
    try {
      const { start } = await coordinator.deploy(FILES);
      const counting = countRequests();
      const startedMs = performance.now();
      const { peak, result: outcomes } = await peakConnections(coordinator.url, () =>
        Promise.all(Array.from({ length: EXECUTIONS }, () => start({ reason: 'fifty at once' }).outcome)),
      );
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      const requests = counting.stop();
      console.info(
        `${EXECUTIONS} executions: ${seconds} s, ${peak} connections, ${requests} requests to DynamoDB`,
      );
      const verdicts = outcomes.map((o) => (o.status === 'SUCCEEDED' ? (o.output as Verdict) : undefined));
      expect(new Set(verdicts.map((verdict) => verdict?.signal))).toEqual(new Set(['ROLL_OUT']));
      const ran = verdicts.filter((verdict) => verdict && verdict.applied.length > 0);
      expect(ran.map((verdict) => verdict?.appliedCount)).toEqual([MIGRATIONS]);
      const [effects] = await coordinator.query('SELECT count(*)::int AS n FROM effects');
      expect(effects).toEqual({ n: MIGRATIONS - 1 });
      expect(peak).toBeLessThanOrEqual(MOST_CONNECTIONS);
      expect(requests).toBeLessThan(EXECUTIONS * MOST_REQUESTS_EACH);
      expect((await coordinator.leases.read(coordinator.target))?.state).toBe('FREE');
    } finally {
      await coordinator.stop();
    }
  },
  LIMIT_MS,
);
