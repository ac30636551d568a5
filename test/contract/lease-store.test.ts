import { dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import { MemoryLeaseStore, type MemoryRecords } from '../../lib/adapters/memory/index.ts';
import { startDynalite } from '../support/dynalite.ts';
import { describeLeaseStore } from './lease-store.contract.ts';

describeLeaseStore('MemoryLeaseStore', async () => {
  const records: MemoryRecords = new Map();
  return { open: async () => new MemoryLeaseStore(records), close: async () => undefined };
});

describeLeaseStore('DynamoLeaseStore', async () => {
  const { tableName, newClient, close } = await startDynalite();
  return { open: async () => dynamoLeaseStore({ tableName, client: newClient() }), close };
});
