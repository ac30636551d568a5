/**
 * An instance of an app, a process of its own: it asks for the migrations first, under the same lease as
 * everybody else, and serves HTTP only when the schema is ready. It tells its parent over IPC what happens, and
 * ends with it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DatabaseConfig } from '../adapters/postgres/index.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { asLockstepError, type ErrorCode, type ErrorDetails } from '../core/errors/index.ts';
import { type EngineEvent, migrate } from '../engine/index.ts';
import { newHolder, openLeases, openSource } from '../settings/index.ts';
import { openClient } from './database-client.ts';

export interface InstanceOptions {
  readonly database: DatabaseConfig;
  readonly target: string;
  readonly leaseTable: string;
  readonly leaseDurationMs: number;
  /** A bundle file: the one that the workflow has, too. */
  readonly bundle: string;
  /** Run for every GET /healthz. */
  readonly probeSql: string;
}

export interface InstanceReady {
  readonly port: number;
  /** Whether this instance itself applied something. */
  readonly ran: boolean;
  readonly applied: readonly string[];
  /** Migrations that were applied when it became ready. */
  readonly appliedCount: number;
  readonly waitedMs: number;
}

/** Events that carry an error are left out: an error does not survive the way. */
export type InstanceEvent = Exclude<EngineEvent, { readonly error: unknown }>;

export type InstanceMessage =
  | { readonly kind: 'event'; readonly event: InstanceEvent }
  | ({ readonly kind: 'ready' } & InstanceReady)
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly details: ErrorDetails };

const LEASE_WAIT_MS = 60_000;

process.once('message', (options: InstanceOptions) => void start(options));
process.on('disconnect', () => process.exit());

const tell = (message: InstanceMessage): void => {
  process.send?.(message);
};

async function start(options: InstanceOptions): Promise<void> {
  try {
    const result = await migrate({
      ...options,
      source: await openSource({ bundle: options.bundle }),
      leases: await openLeases({ kind: 'dynamodb', tableName: options.leaseTable }),
      holder: newHolder(),
      leaseWaitMs: LEASE_WAIT_MS,
      clock: systemClock,
      on: (event) => {
        if (!('error' in event)) tell({ kind: 'event', event });
      },
    });
    const { ran, applied, waitedMs, plan } = result;
    tell({
      kind: 'ready',
      ran,
      applied,
      waitedMs,
      appliedCount: plan.appliedCount,
      port: await serve(options),
    });
  } catch (error) {
    const { code, what, state, remedy, position, context } = asLockstepError(error);
    tell({ kind: 'failed', code, details: { what, state, remedy, position, context } });
  }
}

/** One query at a time is enough for an app that only says how it is. */
async function serve({ database, probeSql }: InstanceOptions): Promise<number> {
  const client = await openClient(database, 'app instance');
  const server = createServer(async (_request, response) => {
    const status = await client.query(probeSql).then(
      () => 200,
      () => 503,
    );
    response.writeHead(status).end(status === 200 ? 'ok\n' : 'not ok\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
