/**
 * The lease in a DynamoDB table: one item per target, key `target`, written only by PutItem on condition of
 * the record version that was read, read only by consistent GetItem. No TTL, no delete: an item that comes
 * again would start its fencing token at 1.
 *
 *   holder A      table                                        watcher B (its own monotonic clock)
 *   put if absent ──► v1 HELD A token 0
 *      reply lost ─╳                                           get ──► v1, unchanged 0 s
 *   get ──► v1: it was mine
 *   put if v1 ──────► v2 HELD A token 7 (mint)                 get ──► v2, unchanged 0 s
 *   put if v2 ──────► v3 HELD A token 7 (renew)                get ──► v3, unchanged 0 s
 *   (paused)                                                   get ──► v3, unchanged 20 s
 *                     v4 HELD B token 7  ◄───────────────────── put if v3: unchanged for durationMs
 *                     v5 HELD B token 8  ◄───────────────────── put if v4 (mint)
 *   (goes on)
 *   put if v3 ──╳ conflict; get ──► v5 of B: lease lost (LS402)
 *
 * Who is authoritative: the table. The clocks of DynamoDB and of the hosts have no part in it.
 *
 * What can fail: a request times out (CLIENT_LIMITS; the client repeats it, and a repeated put that finds its
 * own first try reports a conflict, which the version read back resolves); anything else is LS404.
 */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CasLeaseStore, type LeaseStore } from '../../core/lease/index.ts';
import { DynamoLeaseRegister } from './dynamo-lease-register.ts';

/**
 * The default client waits for ever. With these limits a call fails within about five seconds: well inside
 * the time in which a holder has to know whether its lease is still its own.
 */
export const CLIENT_LIMITS = {
  maxAttempts: 3,
  // Without throwOnRequestTimeout the client only logs a warning when the time is over.
  requestHandler: { connectionTimeout: 1000, requestTimeout: 1500, throwOnRequestTimeout: true },
} as const;

export interface DynamoLeaseOptions {
  readonly tableName: string;
  /** Default: one for the environment's Region and credentials, with CLIENT_LIMITS. */
  readonly client?: DynamoDBClient | undefined;
}

export const dynamoLeaseStore = ({ tableName, client }: DynamoLeaseOptions): LeaseStore =>
  new CasLeaseStore(
    new DynamoLeaseRegister(tableName, client ?? new DynamoDBClient(CLIENT_LIMITS)),
    randomUUID,
  );

export { LeaseAttribute } from '../../core/lease/index.ts';
