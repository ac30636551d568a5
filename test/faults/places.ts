/** All places at which a holder may fail, and what each of them needs. */
import type { Edit } from './edit.ts';
import { type LeaseKind, type PlaceName, placeWith } from './fault.ts';
import type { GatePlace } from './gate.ts';
import {
  AT_WORK,
  BUILD_AND_DROP,
  DETACH,
  DROP,
  MIXED,
  type MigrationSet,
  REINDEX,
} from './migration-sets.ts';
import { LEASE_MS } from './world.ts';

/** The middle of a statement that runs is a place, too; there the fault comes from outside. */
export type HolderPlace = PlaceName | GatedPlace;

const GATED_PLACES = {
  'in the middle of a migration': 'a migration',
  'in the middle of an index build': 'an index build',
  'in the middle of an index build at work': 'an index build at work',
  'in the middle of a REINDEX': 'a clearing away',
  'in the middle of a DROP INDEX': 'a clearing away',
  'in the middle of a DETACH PARTITION': 'a clearing away',
} as const satisfies Record<string, GatePlace>;
export type GatedPlace = keyof typeof GATED_PLACES;

export const isGated = (place: HolderPlace): place is GatedPlace => place in GATED_PLACES;

const isRenewal = (place: HolderPlace): boolean => place === 'a renewal sent, its reply lost';

/** Where a migration has to wait: there, or until the next renewal of a lease in the table. */
export function gateAt(place: HolderPlace, lease: LeaseKind): GatePlace | undefined {
  if (isGated(place)) return GATED_PLACES[place];
  return isRenewal(place) && lease === 'dynamodb' ? 'a migration' : undefined;
}

/** Where it is not MIXED. */
const SETS: Readonly<Partial<Record<HolderPlace, MigrationSet>>> = {
  // Should the stopped one send it in the end, the index must not be there by then.
  'an index build journalled, not sent': BUILD_AND_DROP,
  'in the middle of an index build at work': AT_WORK,
  'in the middle of a REINDEX': REINDEX,
  'in the middle of a DROP INDEX': DROP,
  'in the middle of a DETACH PARTITION': DETACH,
};
export const setAt = (place: HolderPlace): MigrationSet => SETS[place] ?? MIXED;

const isRelease = (place: HolderPlace): boolean =>
  place === 'all done, the lease not released' || place === 'the release sent, its reply lost';

/** After a release something has to be left to do: who finds nothing to do leaves a dead holder's lease alone. */
export const argsAt = (place: HolderPlace): readonly string[] => (isRelease(place) ? ['--to', '0002'] : []);

/** Whoever has PostgreSQL's lock and no token has not said yet how long it may be silent. It is as long as a lease by default. */
const FIRST_LEASE: Edit = {
  file: 'lib/adapters/postgres/lease-records.ts',
  find: 'FIRST_LEASE_MS = 30_000;',
  replace: `FIRST_LEASE_MS = ${LEASE_MS};`,
};
const BEFORE_A_TOKEN: readonly HolderPlace[] = [
  'the lease asked for, its reply lost',
  'the ledger made, not committed',
  'locked, the fence not claimed',
];
export const paceAt = (place: HolderPlace): readonly Edit[] =>
  BEFORE_A_TOKEN.includes(place) ? [FIRST_LEASE] : [];

/** Whether it has, or may have, a lease there that can be taken away from it; else it goes on like one that comes later. */
export function hasLease(place: HolderPlace, lease: LeaseKind): boolean {
  if (lease === 'postgres') return place !== 'connected, the lock not asked for';
  return place !== 'the lease not asked for' && place !== 'the lease asked for, its reply lost';
}

export type Fault = 'SIGKILL' | 'SIGSTOP' | 'cut' | 'lost';

/** Which faults mean something there: where a message is sent, to cut the connection is to lose its reply. */
export function faultsAt(place: HolderPlace, lease: LeaseKind): readonly Fault[] {
  if (isGated(place)) return ['SIGKILL', 'SIGSTOP', 'cut'];
  const found = placeWith(lease, place);
  if (!found) return [];
  return ['SIGKILL', 'SIGSTOP', found.when === 'sent' ? 'lost' : 'cut'];
}

/** In the order in which a run comes to them. */
export const POINTS: readonly HolderPlace[] = [
  'the lease not asked for',
  'the lease asked for, its reply lost',
  'the lease had, no token yet',
  'a token had, not connected with it',
  'connected, the lock not asked for',
  'the ledger made, not committed',
  'locked, the fence not claimed',
  'the claim sent, its reply lost',
  'claimed, the first migration not begun',
  'a renewal sent, its reply lost',
  'in the middle of a migration',
  'a COMMIT sent, its reply lost',
  'between two migrations',
  'an index build journalled, not sent',
  'in the middle of an index build',
  'an index built, its end not journalled',
  'in the middle of a REINDEX',
  'in the middle of a DROP INDEX',
  'in the middle of a DETACH PARTITION',
  'all done, the lease not released',
  'the release sent, its reply lost',
];
