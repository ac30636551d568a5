/** Who has the lease, and whether anything is heard of its holder. */
import { lockHolder, PostgresLeaseStore, type Session } from '../adapters/postgres/index.ts';
import type { LeaseSeen } from '../core/diagnosis/index.ts';
import { type LeaseRecord, type LeaseStore, look, mayTakeOver, type Watch } from '../core/lease/index.ts';
import type { StatusOptions } from './read.ts';

/** Throws LS3xx, LS404. */
export async function readLease(session: Session, options: StatusOptions): Promise<LeaseSeen> {
  const { leases, clock, target } = options;
  if (leases !== 'postgres') return watchLease(leases, options);
  const record = await new PostgresLeaseStore(session, (ms) => clock.sleep(ms)).read(target);
  const holder = record?.state === 'HELD' ? await lockHolder(session) : null;
  const isSilent = holder !== null && !['active', 'unknown'].includes(holder.state);
  return {
    where: 'postgres',
    record,
    since: holder?.connectedAt || null,
    silentMs: isSilent ? holder.queryAgeMs : null,
  };
}

const WATCH_EVERY_MS = 500;
/** A lease that lasts longer is not watched to its end. */
const WATCH_AT_MOST_MS = 35_000;

/** The item has no time in it: whether its holder lives shows only when it is looked at more than once. Throws LS404. */
export async function watchLease(
  leases: LeaseStore,
  { clock, target, signal }: Omit<StatusOptions, 'leases'>,
): Promise<LeaseSeen> {
  const seen = (record: LeaseRecord | undefined, silentMs: number | null): LeaseSeen => ({
    where: 'dynamodb',
    record,
    since: null,
    silentMs,
  });
  const record = await leases.read(target);
  if (record?.state !== 'HELD') return seen(record, null);
  let watch: Watch = look(undefined, record, 0);
  while (!mayTakeOver(watch, record) && watch.unchangedMs < WATCH_AT_MOST_MS) {
    const sinceMs = clock.nowMs();
    await clock.sleep(WATCH_EVERY_MS, signal);
    const elapsedMs = clock.nowMs() - sinceMs;
    const again = await leases.read(target);
    if (again?.recordVersion !== record.recordVersion) return seen(again, null);
    watch = look(watch, again, elapsedMs);
  }
  return seen(record, watch.unchangedMs);
}
