/** What the ledger and the lease say: the proof of what happened, whoever tells what. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoLeaseStore } from '../../adapters/dynamodb/index.ts';
import { systemClock } from '../../adapters/process/clock.ts';
import type { LeaseStore } from '../../core/lease/index.ts';
import { migrationName } from '../../core/plan/index.ts';
import { type HistoryEntry, readHistory } from '../../engine/index.ts';
import type { Stage } from './stage.ts';

/** Every entry, the oldest first; none when there is no ledger yet. */
export const historyOf = ({ runtime }: Stage): Promise<readonly HistoryEntry[]> =>
  readHistory({ database: runtime.database, clock: systemClock, signal: runtime.signal });

/** Migrations that were applied between the two looks, with the run that did it. */
export function newEntries(before: readonly HistoryEntry[], after: readonly HistoryEntry[]) {
  const known = new Set(before.map(({ entryId }) => entryId));
  return after
    .filter(({ entryId, kind }) => !known.has(entryId) && kind === 'applied')
    .map((entry) => ({ name: migrationName(entry), runId: entry.runId }));
}

/** The lease store that everybody uses here. */
export async function withLeases<T>({ runtime }: Stage, use: (leases: LeaseStore) => Promise<T>): Promise<T> {
  const { endpoints, workflow } = runtime.cloud;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: endpoints.dynamodb, region: 'us-east-1', credentials });
  try {
    return await use(dynamoLeaseStore({ tableName: workflow.leaseTable.TableName, client }));
  } finally {
    client.destroy();
  }
}

/** Whether nobody holds the lease. */
export const leaseIsFree = (stage: Stage): Promise<boolean> =>
  withLeases(stage, async (leases) => (await leases.read(stage.runtime.database.database))?.state !== 'HELD');
