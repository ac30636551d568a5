/**
 * What becomes of the record: pure decisions over values. Each returns the record to write, or what was found
 * that stands in the way. Whether the write succeeds is the register's affair.
 */
import type { AcquireRequest, Lease, LeaseRecord } from './lease-store.ts';

export type Transition<Found> =
  | { readonly kind: 'write'; readonly next: LeaseRecord }
  | { readonly kind: 'refuse'; readonly found: Found };

const write = (next: LeaseRecord) => ({ kind: 'write', next }) as const;
const refuse = <Found>(found: Found) => ({ kind: 'refuse', found }) as const;

/** An acquire by the holder itself writes, too: it shows that the holder lives. */
export function acquire(
  record: LeaseRecord | undefined,
  request: AcquireRequest,
  recordVersion: string,
): Transition<LeaseRecord> {
  const { target, holder, durationMs, takeOver } = request;
  const othersLease = record?.state === 'HELD' && record.holder !== holder;
  if (othersLease && record.recordVersion !== takeOver) return refuse(record);
  return write({ target, state: 'HELD', holder, recordVersion, durationMs, token: record?.token ?? 0 });
}

export function mint(
  record: LeaseRecord | undefined,
  lease: Lease,
  floor: number,
  recordVersion: string,
): Transition<LeaseRecord | undefined> {
  if (!holds(record, lease) || replacedByNewerAttempt(record, lease)) return refuse(record);
  return write({ ...record, recordVersion, token: Math.max(record.token, floor) + 1 });
}

export function renew(
  record: LeaseRecord | undefined,
  lease: Lease,
  recordVersion: string,
): Transition<LeaseRecord | undefined> {
  if (!holds(record, lease) || record.token !== lease.token) return refuse(record);
  return write({ ...record, recordVersion });
}

export function release(
  record: LeaseRecord | undefined,
  lease: Lease,
  recordVersion: string,
): Transition<LeaseRecord | undefined> {
  if (!holds(record, lease) || replacedByNewerAttempt(record, lease)) return refuse(record);
  return write(freed(record, recordVersion));
}

export function forceRelease(
  record: LeaseRecord | undefined,
  recordVersion: string,
): Transition<LeaseRecord | undefined> {
  return record?.state === 'HELD' ? write(freed(record, recordVersion)) : refuse(record);
}

const holds = (record: LeaseRecord | undefined, lease: Lease): record is LeaseRecord =>
  record?.state === 'HELD' && record.holder === lease.holder;

/** An attempt without a token (0) has nothing that could be out of date. */
const replacedByNewerAttempt = (record: LeaseRecord, lease: Lease): boolean =>
  lease.token !== 0 && record.token !== lease.token;

/** The token stays: a token that started again at 1 would let a stale holder pass for a new one. */
const freed = (record: LeaseRecord, recordVersion: string): LeaseRecord => ({
  ...record,
  state: 'FREE',
  holder: '',
  recordVersion,
});
