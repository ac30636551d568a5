/** The holder loses a connection at some place, before a message or with its reply, and goes on by itself. */
import type { TestContext } from 'vitest';
import { type LeaseKind, type PlaceName, type Put, placeWith } from './fault.ts';
import { closeGate } from './gate.ts';
import { holderAt, liftForNext } from './holder-fails.ts';
import { unless, type Violation, violationsIn } from './invariants.ts';
import { MIXED } from './migration-sets.ts';
import { argsAt, faultsAt, type HolderPlace, isGated, paceAt, setAt } from './places.ts';
import { type Scenario, succeeds } from './scenario.ts';
import { startServerLink } from './server-link.ts';
import { until } from './until.ts';
import { createWorld, type World } from './world.ts';

const RENEWAL: PlaceName = 'a renewal sent, its reply lost';

/** As far as it was to go; what is left after a release is another one's. */
export const connectionIsLost = (place: HolderPlace, lease: LeaseKind): Scenario => {
  const fault = faultsAt(place, lease).includes('lost') ? 'lost' : 'cut';
  return {
    name: `${fault} ${place}, lease in ${lease}`,
    strikes: { point: place, fault, class: 'connection' },
    async run(context, edits, recovered) {
      const world = await createWorld({ context, lease, set: setAt(place), edits, pace: paceAt(place) });
      const startedMs = performance.now();
      const lose = isGated(place) ? cutInTheMiddle : loseBeside;
      const found = await lose(world, place, context);
      if (argsAt(place).length > 0) found.push(...(await succeeds(world, world.up())));
      recovered?.(performance.now() - startedMs);
      return [...found, ...(await violationsIn(world))];
    },
  };
};

/** Beside a message: to PostgreSQL, with which the session is lost; or to the table, to which it is sent again. */
async function loseBeside(world: World, place: HolderPlace): Promise<Violation[]> {
  const { holder, gate } = await holderAt(world, place, 'cut');
  if (gate) {
    await until('the write is lost', () => holder.isStruck);
    await gate.lift();
  }
  const found = await succeeds(world, holder);
  const hasLostSession = /Trying again|could not be freed/.test(holder.told);
  if (!hasLostSession && !holder.isStruck) throw new Error(`Nothing was lost:\n${holder.told}`);
  return [...found, ...unless(!(hasLostSession && holder.isStruck), 'kept', holder.told)];
}

/** In the middle of a statement, from outside; what the server still does ends before the gate is lifted. */
async function cutInTheMiddle(world: World, place: HolderPlace, context: TestContext): Promise<Violation[]> {
  const link = await startServerLink(world.url);
  context.onTestFinished(link.close);
  const { holder, gate, pid } = await holderAt(world, place, 'cut', link.url);
  link.cut();
  await holder.says(/Trying again/);
  if (gate) await liftForNext({ world, gate, pid, isLeft: false });
  return succeeds(world, holder);
}

/** The table is throttled in the middle of a migration, for longer than the lease lasts. */
export const renewalsAreRefused: Scenario = {
  name: 'no renewal is taken any more, lease in dynamodb',
  strikes: { point: RENEWAL, fault: 'cut', class: 'connection' },
  async run(context, edits, recovered) {
    const world = await createWorld({ context, lease: 'dynamodb', set: MIXED, edits });
    const gate = await closeGate(world, 'a migration');
    const startedMs = performance.now();
    const fault = { place: placeWith('dynamodb', RENEWAL) as Put, kind: 'refused' } as const;
    const holder = world.up({ fault });
    const pid = await gate.reached();
    const next = world.up();
    await holder.says(/Trying again/);
    await liftForNext({ world, gate, pid, isLeft: false });
    const found = [...(await succeeds(world, next)), ...(await succeeds(world, holder))];
    recovered?.(performance.now() - startedMs);
    return [...found, ...(await violationsIn(world))];
  },
};
