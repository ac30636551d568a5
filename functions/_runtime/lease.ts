import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CLIENT_LIMITS, dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import type { Lease, LeaseStore } from '../../lib/core/lease/index.ts';
import { awsClient } from './aws-clients.ts';

/** The lease has limits of its own: a holder must learn in time whether it still holds. */
const client = awsClient(() => new DynamoDBClient(CLIENT_LIMITS));

export const leaseStore = (tableName: string): LeaseStore =>
  dynamoLeaseStore({ tableName, client: client() });

/** The lease as this execution holds it, with the token that was minted last; undefined if it does not. Throws LS404. */
export async function heldLease(
  leases: LeaseStore,
  target: string,
  execution: string,
): Promise<Lease | undefined> {
  const record = await leases.read(target);
  if (record?.state !== 'HELD' || record.holder !== execution) return undefined;
  const { holder, durationMs, token } = record;
  return { target, holder, durationMs, token };
}
