/** Each point with each fault, whichever store gives the lease: more than `npm test` has time for. */
import { PLACES, type PlaceName } from './fault.ts';
import { GATED_PLACES, type HolderPlace, holderFails } from './holder-fails.ts';
import type { Scenario } from './scenario.ts';
import { replyIsLost } from './schedules.ts';

/** In the order in which a run comes to them. */
export const POINTS: readonly HolderPlace[] = [
  'connected, the lock not asked for',
  'locked, the fence not claimed',
  'the claim sent, its reply lost',
  'claimed, the first migration not begun',
  'in the middle of a migration',
  'a COMMIT sent, its reply lost',
  'between two migrations',
  'an index build journalled, not sent',
  'in the middle of an index build',
  'an index built, its end not journalled',
  'in the middle of a REINDEX',
  'in the middle of a DROP INDEX',
  'in the middle of a DETACH PARTITION',
];

const LEASES = ['postgres', 'dynamodb'] as const;
const SIGNALS = ['SIGKILL', 'SIGSTOP'] as const;

/** Where the message is on its way; before it, a connection that is cut is one that is lost before anything was sent. */
const isSent = (point: HolderPlace): point is PlaceName =>
  !(point in GATED_PLACES) && PLACES[point as PlaceName].when === 'sent';

const ALL: readonly Scenario[] = POINTS.flatMap((place) =>
  LEASES.flatMap((lease) => [
    ...SIGNALS.map((kind) => holderFails({ place, kind, lease })),
    ...(isSent(place) ? [replyIsLost(place, lease)] : []),
  ]),
);

/** That many run at a time. */
const AT_A_TIME = 3;

/** In groups that run together, so many times over. */
export function allCases(rounds: number): Readonly<Record<string, readonly Scenario[]>> {
  const groups: Record<string, readonly Scenario[]> = {};
  for (let round = 1; round <= rounds; round += 1) {
    for (let first = 0; first < ALL.length; first += AT_A_TIME) {
      groups[`round ${round}, ${first / AT_A_TIME + 1}`] = ALL.slice(first, first + AT_A_TIME);
    }
  }
  return groups;
}
