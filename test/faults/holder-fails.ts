/** The holder of the lease is killed or stopped at some place, and another process is started after it. */
import type { PlaceName } from './fault.ts';
import type { FaultyProcess } from './faulty-process.ts';
import { closeGate, type Gate, type GatePlace } from './gate.ts';
import { violationsIn } from './invariants.ts';
import {
  AT_WORK,
  BUILD_AND_DROP,
  DETACH,
  DROP,
  MIXED,
  type MigrationSet,
  REINDEX,
} from './migration-sets.ts';
import { goesOnInVain, goesOnLater, type Scenario, succeeds } from './scenario.ts';
import { until } from './until.ts';
import { createWorld, type LeaseKind, type World } from './world.ts';

/** The middle of a statement that runs is a place, too; there the signal comes from outside. */
export type HolderPlace = PlaceName | keyof typeof GATED_PLACES;

export const GATED_PLACES = {
  'in the middle of a migration': 'a migration',
  'in the middle of an index build': 'an index build',
  'in the middle of an index build at work': 'an index build at work',
  'in the middle of a REINDEX': 'a clearing away',
  'in the middle of a DROP INDEX': 'a clearing away',
  'in the middle of a DETACH PARTITION': 'a clearing away',
} as const satisfies Record<string, GatePlace>;

const isGated = (place: HolderPlace): place is keyof typeof GATED_PLACES => place in GATED_PLACES;

/** Where it is not MIXED. */
const SETS: Readonly<Partial<Record<HolderPlace, MigrationSet>>> = {
  // Should the stopped one send it in the end, the index must not be there by then.
  'an index build journalled, not sent': BUILD_AND_DROP,
  'in the middle of an index build at work': AT_WORK,
  'in the middle of a REINDEX': REINDEX,
  'in the middle of a DROP INDEX': DROP,
  'in the middle of a DETACH PARTITION': DETACH,
};

interface Failing {
  readonly place: HolderPlace;
  readonly kind: 'SIGKILL' | 'SIGSTOP';
  readonly lease: LeaseKind;
}

/** The holder is killed or stopped, the next process finishes, and the stopped one goes on. */
export function holderFails({ place, kind, lease }: Failing): Scenario {
  const set = SETS[place] ?? MIXED;
  return {
    name: `${kind} ${place}, lease in ${lease}`,
    strikes: { point: place, fault: kind },
    async run(context, edits, recovered) {
      const world = await createWorld({ context, lease, set, edits });
      const { holder, gate, pid } = await failing(world, place, kind);
      const failedMs = performance.now();
      const next = world.up();
      const isVouchedFor = kind === 'SIGSTOP' && lease === 'postgres';
      if (gate) await liftForNext({ world, gate, pid, isVouchedFor });
      const found = await succeeds(world, next);
      // Nothing has replaced the stopped one then.
      if (found.length > 0) return found;
      recovered?.(performance.now() - failedMs);
      if (kind === 'SIGSTOP') {
        const goesOn = hasLease(place, lease) ? goesOnInVain : goesOnLater;
        found.push(...(await goesOn(world, holder)));
      }
      return [...found, ...(await violationsIn(world))];
    },
  };
}

/** In PostgreSQL the lock is the lease: who has not asked for it has nothing that could be taken away. */
const hasLease = (place: HolderPlace, lease: LeaseKind): boolean =>
  !(lease === 'postgres' && place === 'connected, the lock not asked for');

export interface Failed {
  readonly holder: FaultyProcess;
  readonly gate?: Gate;
  /** Of the session that waits at the gate. */
  readonly pid?: number;
}

export async function failing(world: World, place: HolderPlace, kind: Failing['kind']): Promise<Failed> {
  if (!isGated(place)) {
    const holder = world.up({ fault: { place, kind } });
    await holder.hasFailed(kind);
    return { holder };
  }
  const gate = await closeGate(world, GATED_PLACES[place]);
  const holder = world.up();
  const pid = await gate.reached();
  holder.signal(kind);
  await holder.hasFailed(kind);
  return { holder, gate, pid };
}

interface Lift {
  readonly world: World;
  readonly gate: Gate;
  readonly pid: number | undefined;
  /** PostgreSQL's lease: a statement that runs shows that its session lives, even if its client stands still. */
  readonly isVouchedFor: boolean;
}

async function liftForNext({ world, gate, pid, isVouchedFor }: Lift): Promise<void> {
  if (!isVouchedFor) {
    await until(`the session ${pid} of the one that failed ends`, async () => {
      const rows = await world.query(`SELECT FROM pg_stat_activity WHERE pid = ${pid}`);
      return rows.length === 0;
    });
  }
  await gate.lift();
}
