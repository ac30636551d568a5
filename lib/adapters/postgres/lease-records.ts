/** What the lock's holder and the fence say together, as the record of a lease. */
import type { LeaseRecord } from '../../core/lease/index.ts';
import type { LockedBy } from './advisory-lock.ts';
import type { Fence } from './fence.ts';

/** Of a session that has the lock and has not said yet how long it may be silent. */
const FIRST_LEASE_MS = 30_000;
/** Of the name of a session that has not entered the fence; after it comes the holder's. */
export const PREFIX = 'lockstep ';

export const freeRecord = (target: string, { token, leaseMs }: Fence): LeaseRecord => ({
  target,
  state: 'FREE',
  holder: '',
  recordVersion: `free/${token}`,
  durationMs: leaseMs,
  token,
});

export function heldRecord(target: string, lockedBy: LockedBy, fence: Fence | undefined): LeaseRecord {
  const { pid, backendStart, applicationName, state, stateChange, seenAt } = lockedBy;
  const entered = fence?.pid === pid && fence.backendStart === backendStart;
  const sign = state === 'active' || state === 'unknown' ? `${state}/${seenAt}` : stateChange;
  return {
    target,
    state: 'HELD',
    holder: entered ? fence.holder : applicationName.replace(PREFIX, ''),
    recordVersion: `${pid}/${backendStart}/${sign}`,
    durationMs: entered ? fence.leaseMs : FIRST_LEASE_MS,
    token: fence?.token ?? 0,
  };
}
