import type { Lease, LeaseStore } from './lease-store.ts';

/** The lease as this holder has it, with the token that was minted last; undefined if it does not hold it. Throws LS404. */
export async function heldLease(
  leases: LeaseStore,
  target: string,
  holder: string,
): Promise<Lease | undefined> {
  const record = await leases.read(target);
  if (record?.state !== 'HELD' || record.holder !== holder) return undefined;
  const { durationMs, token } = record;
  return { target, holder, durationMs, token };
}
