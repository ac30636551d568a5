import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CLIENT_LIMITS, dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import { awsClient } from './aws-clients.ts';

export { heldLease } from '../../lib/core/lease/index.ts';

/** The lease has limits of its own: a holder must learn in time whether it still holds. */
const client = awsClient(() => new DynamoDBClient(CLIENT_LIMITS));

export const leaseStore = (tableName: string): LeaseStore =>
  dynamoLeaseStore({ tableName, client: client() });
