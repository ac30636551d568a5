/** Each point with each fault, whichever store gives the lease: more than `npm test` has time for. */
import { connectionIsLost, renewalsAreRefused } from './connection-lost.ts';
import type { LeaseKind } from './fault.ts';
import { holderFails } from './holder-fails.ts';
import { filesChangeAfterKill, OTHER_FILES } from './other-files.ts';
import { type Fault, faultsAt, type HolderPlace, POINTS } from './places.ts';
import type { RecoveryClass, Scenario } from './scenario.ts';
import { attemptIsRepeated, SECOND_ATTEMPT } from './schedules.ts';

/** Rows of the table. */
export const ROWS: readonly string[] = [...POINTS, SECOND_ATTEMPT, OTHER_FILES];

const LEASES = ['postgres', 'dynamodb'] as const;

const scenarioOf = (place: HolderPlace, lease: LeaseKind, fault: Fault): Scenario =>
  fault === 'cut' || fault === 'lost'
    ? connectionIsLost(place, lease)
    : holderFails({ place, kind: fault, lease });

const ALL: readonly Scenario[] = [
  ...POINTS.flatMap((place) =>
    LEASES.flatMap((lease) => faultsAt(place, lease).map((fault) => scenarioOf(place, lease, fault))),
  ),
  renewalsAreRefused,
  attemptIsRepeated,
  ...LEASES.map(filesChangeAfterKill),
];

/**
 * So many at a time: those that mostly wait, many; those that only start processes, so few that each has a core, because
 * their time is what is measured.
 */
const AT_A_TIME: Readonly<Record<RecoveryClass, number>> = {
  idle: 2,
  busy: 5,
  leased: 5,
  frozen: 7,
  connection: 4,
};

export interface Group {
  readonly scenarios: readonly Scenario[];
  readonly atATime: number;
}

/** So many times over; what waits for the same is together. */
export function allCases(rounds: number): Readonly<Record<string, Group>> {
  const kinds = Object.entries(AT_A_TIME).map(([kind, atATime]) => {
    const own = ALL.filter(({ strikes }) => strikes?.class === kind);
    return [kind, { scenarios: Array.from({ length: rounds }, () => own).flat(), atATime }] as const;
  });
  return Object.fromEntries(kinds);
}
