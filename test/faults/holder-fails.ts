/** The holder of the lease is killed or stopped at some place, and another process is started after it. */
import type { PlaceName } from './fault.ts';
import type { FaultyProcess } from './faulty-process.ts';
import { closeGate, type Gate, type GatePlace } from './gate.ts';
import { violationsIn } from './invariants.ts';
import { BUILD_AND_DROP, MIXED, type MigrationSet } from './migration-sets.ts';
import { goesOnInVain, type Scenario, succeeds } from './scenario.ts';
import { until } from './until.ts';
import { createWorld, type LeaseKind, type World } from './world.ts';

/** The middle of a statement that runs is a place, too; there the signal comes from outside. */
export type HolderPlace = PlaceName | `in the middle of ${GatePlace}`;

const GATED_PLACES: Readonly<Partial<Record<HolderPlace, GatePlace>>> = {
  'in the middle of a migration': 'a migration',
  'in the middle of an index build': 'an index build',
};

interface Failing {
  readonly place: HolderPlace;
  readonly kind: 'SIGKILL' | 'SIGSTOP';
  readonly lease: LeaseKind;
}

/** The holder is killed or stopped, the next process finishes, and the stopped one goes on. */
export function holderFails({ place, kind, lease }: Failing): Scenario {
  // Should the stopped one send it in the end, the index must not be there by then.
  const isStillToSend = place === 'an index build journalled, not sent';
  const set: MigrationSet = isStillToSend ? BUILD_AND_DROP : MIXED;
  return {
    name: `${kind} ${place}, lease in ${lease}`,
    async run(context, edits) {
      const world = await createWorld({ context, lease, set, edits });
      const { holder, gate, pid } = await failing(world, place, kind);
      const next = world.up();
      const isVouchedFor = kind === 'SIGSTOP' && lease === 'postgres';
      if (gate) await liftForNext({ world, gate, pid, isVouchedFor });
      const found = await succeeds(world, next);
      // Nothing has replaced the stopped one then.
      if (found.length > 0) return found;
      if (kind === 'SIGSTOP') found.push(...(await goesOnInVain(world, holder)));
      return [...found, ...(await violationsIn(world))];
    },
  };
}

export interface Failed {
  readonly holder: FaultyProcess;
  readonly gate?: Gate;
  /** Of the session that waits at the gate. */
  readonly pid?: number;
}

export async function failing(world: World, place: HolderPlace, kind: Failing['kind']): Promise<Failed> {
  const gatePlace = GATED_PLACES[place];
  if (gatePlace === undefined) {
    const holder = world.up({ fault: { place: place as PlaceName, kind } });
    await holder.hasFailed(kind);
    return { holder };
  }
  const gate = await closeGate(world, gatePlace);
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
