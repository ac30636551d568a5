/** A lease record as a DynamoDB item, readable in the console. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { LeaseAttribute, type LeaseRecord } from '../../core/lease/index.ts';
import { notALease } from './lease-table-error.ts';

type Item = Record<string, AttributeValue>;

export const toItem = (record: LeaseRecord): Item => ({
  [LeaseAttribute.target]: { S: record.target },
  [LeaseAttribute.state]: { S: record.state },
  [LeaseAttribute.holder]: { S: record.holder },
  [LeaseAttribute.recordVersion]: { S: record.recordVersion },
  [LeaseAttribute.durationMs]: { N: String(record.durationMs) },
  [LeaseAttribute.token]: { N: String(record.token) },
});

/** Throws LS404 when the item was not written by Lockstep: better no lease than one whose token is a guess. */
export function fromItem(item: Item, tableName: string): LeaseRecord {
  const target = item[LeaseAttribute.target]?.S;
  const state = item[LeaseAttribute.state]?.S;
  const holder = item[LeaseAttribute.holder]?.S;
  const recordVersion = item[LeaseAttribute.recordVersion]?.S;
  const durationMs = Number(item[LeaseAttribute.durationMs]?.N);
  const token = Number(item[LeaseAttribute.token]?.N);
  const known = state === 'FREE' || state === 'HELD';
  const complete = target !== undefined && holder !== undefined && recordVersion !== undefined;
  if (!known || !complete || !Number.isFinite(durationMs) || !Number.isSafeInteger(token)) {
    throw notALease(tableName, target ?? '');
  }
  return { target, state, holder, recordVersion, durationMs, token };
}
