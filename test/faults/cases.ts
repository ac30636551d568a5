/** The scenarios that the program has to pass as it is, in groups that run together: at most three at a time. */
import { connectionIsLost } from './connection-lost.ts';
import { holderFails } from './holder-fails.ts';
import { othersRead, readerStays } from './lock-schedules.ts';
import { filesChangeMeanwhile, REFUSED } from './other-files.ts';
import type { HolderPlace } from './places.ts';
import type { Scenario } from './scenario.ts';
import {
  attemptIsRepeated,
  buildGoesOn,
  comesBackEarly,
  holderTakesLong,
  runsFollow,
  severalTakeOver,
  waitsForBuild,
} from './schedules.ts';

export const killed = (place: HolderPlace) => holderFails({ place, kind: 'SIGKILL', lease: 'postgres' });
export const stopped = (place: HolderPlace) => holderFails({ place, kind: 'SIGSTOP', lease: 'postgres' });
/** With the lease in DynamoDB. */
export const killedD = (place: HolderPlace) => holderFails({ place, kind: 'SIGKILL', lease: 'dynamodb' });
export const stoppedD = (place: HolderPlace) => holderFails({ place, kind: 'SIGSTOP', lease: 'dynamodb' });

/** Cases that take as long as one another are together. */
export const CASES: Readonly<Record<string, readonly Scenario[]>> = {
  'before it writes': [
    stopped('locked, the fence not claimed'),
    stopped('claimed, the first migration not begun'),
    stoppedD('connected, the lock not asked for'),
  ],
  'and is gone at once': [
    killed('locked, the fence not claimed'),
    killed('claimed, the first migration not begun'),
    killed('between two migrations'),
  ],
  'in SQL': [
    killed('in the middle of a migration'),
    stopped('in the middle of a migration'),
    stoppedD('in the middle of a migration'),
  ],
  'in an index build': [
    killed('in the middle of an index build'),
    stopped('in the middle of an index build'),
    stoppedD('in the middle of an index build'),
  ],
  'in what takes something away': [
    killed('in the middle of a REINDEX'),
    killed('in the middle of a DROP INDEX'),
    killed('in the middle of a DETACH PARTITION'),
  ],
  'when its SQL may have been done': [
    killed('a COMMIT sent, its reply lost'),
    killed('an index build journalled, not sent'),
    killed('an index built, its end not journalled'),
  ],
  'with its SQL done': [
    stopped('a COMMIT sent, its reply lost'),
    stopped('an index built, its end not journalled'),
    killedD('in the middle of a migration'),
  ],
  'between two statements': [
    stopped('between two migrations'),
    stoppedD('between two migrations'),
    killedD('in the middle of an index build'),
  ],
  'before a statement outside a transaction': [
    stopped('an index build journalled, not sent'),
    stoppedD('an index build journalled, not sent'),
    comesBackEarly('postgres'),
  ],
  'to hear of what it did': [
    connectionIsLost('the claim sent, its reply lost', 'postgres'),
    connectionIsLost('a COMMIT sent, its reply lost', 'postgres'),
    connectionIsLost('a COMMIT sent, its reply lost', 'dynamodb'),
  ],
  'or only seems to': [comesBackEarly('dynamodb'), holderTakesLong('dynamodb'), runsFollow],
  'while others wait': [
    severalTakeOver('postgres'),
    severalTakeOver('dynamodb'),
    filesChangeMeanwhile('dynamodb'),
  ],
  'and is started again': [attemptIsRepeated, buildGoesOn, ...REFUSED],
  'to get a lock, for a while or in the end': [othersRead, readerStays, waitsForBuild],
};
