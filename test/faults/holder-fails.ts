/** The holder of the lease is killed or stopped at some place, and another process is started after it. */
import type { FaultKind, LeaseKind } from './fault.ts';
import type { FaultyProcess } from './faulty-process.ts';
import { closeGate, type Gate } from './gate.ts';
import { violationsIn } from './invariants.ts';
import { argsAt, gateAt, type HolderPlace, hasLease, isGated, paceAt, setAt } from './places.ts';
import { classOf, goesOnInVain, goesOnLater, type Scenario, succeeds } from './scenario.ts';
import { until } from './until.ts';
import { createWorld, type World } from './world.ts';

interface Failing {
  readonly place: HolderPlace;
  readonly kind: 'SIGKILL' | 'SIGSTOP';
  readonly lease: LeaseKind;
}

/** The holder is killed or stopped, the next process finishes, and the stopped one goes on. */
export function holderFails({ place, kind, lease }: Failing): Scenario {
  return {
    name: `${kind} ${place}, lease in ${lease}`,
    strikes: { point: place, fault: kind, class: classOf(kind, lease, isGated(place)) },
    async run(context, edits, recovered) {
      const world = await createWorld({ context, lease, set: setAt(place), edits, pace: paceAt(place) });
      const { holder, gate, pid } = await failing(world, place, kind);
      const failedMs = performance.now();
      const next = world.up();
      // PostgreSQL's lease: a statement that runs shows that its session lives, even if its client stands still.
      const isLeft = kind === 'SIGSTOP' && lease === 'postgres';
      if (gate) await liftForNext({ world, gate, pid, isLeft });
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

export interface Failed {
  readonly holder: FaultyProcess;
  readonly gate?: Gate | undefined;
  /** Of the session that waits at the gate. */
  readonly pid?: number | undefined;
}

export async function failing(world: World, place: HolderPlace, kind: Failing['kind']): Promise<Failed> {
  const { holder, gate, pid } = await holderAt(world, place, kind);
  if (isGated(place)) holder.signal(kind);
  await holder.hasFailed(kind);
  return { holder, gate, pid };
}

/** A process on its way to that place, where the fault strikes; or it waits there already, for a fault from outside. */
export async function holderAt(
  world: World,
  place: HolderPlace,
  kind: FaultKind,
  url?: string,
): Promise<Failed> {
  const closed = gateAt(place, world.lease);
  const gate = closed && (await closeGate(world, closed));
  const holder = world.up({
    args: argsAt(place),
    ...(isGated(place) ? {} : { fault: { place, kind } }),
    ...(url !== undefined && { url }),
  });
  return gate ? { holder, gate, pid: await gate.reached() } : { holder };
}

interface Lift {
  readonly world: World;
  readonly gate: Gate;
  readonly pid: number | undefined;
  /** Nobody ends that session. */
  readonly isLeft: boolean;
}

export async function liftForNext({ world, gate, pid, isLeft }: Lift): Promise<void> {
  if (!isLeft) {
    await until(`the session ${pid} of the one that failed ends`, async () => {
      const rows = await world.query(`SELECT FROM pg_stat_activity WHERE pid = ${pid}`);
      return rows.length === 0;
    });
  }
  await gate.lift();
}
