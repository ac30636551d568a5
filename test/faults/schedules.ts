/** Scenarios in which nobody is gone for good: lost replies, processes that come back, and several that live. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LeaseKind } from './fault.ts';
import { closeGate } from './gate.ts';
import { failing, liftForNext } from './holder-fails.ts';
import { unless, type Violation, violationsIn } from './invariants.ts';
import { AT_WORK, MIXED } from './migration-sets.ts';
import { goesOnInVain, limitIn, type Scenario, succeeds } from './scenario.ts';
import { until } from './until.ts';
import { createWorld, LEASE_MS } from './world.ts';

/** The stopped one goes on while the next one is in the middle of its work. */
export const comesBackEarly = (lease: LeaseKind): Scenario => ({
  name: `the stopped holder goes on while the next one migrates, lease in ${lease}`,
  async run(context, edits) {
    const world = await createWorld({ context, lease, set: MIXED, edits });
    const gate = await closeGate(world, 'a migration');
    const { holder } = await failing(world, 'between two migrations', 'SIGSTOP');
    const next = world.up();
    await gate.reached();
    holder.signal('SIGCONT');
    // It has given up its attempt, and what it took for its lease.
    await holder.says(/Trying again.*(Waiting for the lease|Lease obtained)/s);
    await gate.lift();
    const found = [...(await succeeds(world, next)), ...(await succeeds(world, holder))];
    const isKept = !/Trying again/.test(next.told);
    return [...found, ...unless(isKept, 'kept', next.told), ...(await violationsIn(world))];
  },
});

/** Another process wants the lease for longer than the lease's duration, and the holder lives. */
export const holderTakesLong = (lease: LeaseKind): Scenario => ({
  name: `a holder that works for longer than its lease's duration, lease in ${lease}`,
  async run(context, edits) {
    const world = await createWorld({ context, lease, set: MIXED, edits });
    const gate = await closeGate(world, 'a migration');
    const holder = world.up();
    await gate.reached();
    const other = world.up();
    await other.says(/Waiting for the lease|Lease obtained/);
    await sleep(LEASE_MS + 2_000);
    await gate.lift();
    const found = [...(await succeeds(world, holder)), ...(await succeeds(world, other))];
    const { tookOverFrom } = (await other.ended).output;
    const isKept = !/Trying again/.test(holder.told) && tookOverFrom === null;
    return [...found, ...unless(isKept, 'kept', holder.told), ...(await violationsIn(world))];
  },
});

const COMERS = 3;

/** All of them have watched it for the same time, and only one may take over. */
export const severalTakeOver = (lease: LeaseKind): Scenario => ({
  name: `${COMERS} processes wait for a holder that stands still, lease in ${lease}`,
  async run(context, edits) {
    const world = await createWorld({ context, lease, set: MIXED, edits });
    const { holder } = await failing(world, 'between two migrations', 'SIGSTOP');
    const comers = Array.from({ length: COMERS }, () => world.up());
    const found = (await Promise.all(comers.map((comer) => succeeds(world, comer)))).flat();
    found.push(...(await goesOnInVain(world, holder)));
    const told = comers.map((comer) => comer.told);
    const isUndisturbed = !/Trying again/.test(told.join());
    return [...found, ...unless(isUndisturbed, 'kept', told), ...(await violationsIn(world))];
  },
});

/** Without DynamoDB whoever waits does so in the same database, where a build waits for every older snapshot. */
export const waitsForBuild: Scenario = {
  name: 'another process waits for the advisory lock during an index build',
  async run(context, edits) {
    const world = await createWorld({ context, lease: 'postgres', set: MIXED, edits });
    const gate = await closeGate(world, 'an index build');
    const holder = world.up();
    await gate.reached();
    const waiter = world.up({ args: ['--wait-timeout', '6s'] });
    await until('the other asks for the lock', async () => {
      const rows = await world.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database()
         AND application_name LIKE 'lockstep %' AND application_name !~ '^lockstep (#|look|watch|ask)'`,
      );
      return rows.length > 0;
    });
    await gate.lift();
    const found = [...(await succeeds(world, holder)), ...(await succeeds(world, waiter))];
    return [...found, ...(await violationsIn(world))];
  },
};

/** The server goes on with it, and the next process may end it, or wait until the index is valid. */
export const buildGoesOn: Scenario = {
  name: 'the holder stands still while the server builds its index, lease in dynamodb',
  async run(context, edits) {
    const world = await createWorld({ context, lease: 'dynamodb', set: AT_WORK, edits });
    const { holder, gate, pid } = await failing(world, 'in the middle of an index build at work', 'SIGSTOP');
    const index = `SELECT indexrelid::text AS oid FROM pg_index WHERE indexrelid = 'effects_revision'::regclass`;
    const [before] = await world.query(index);
    const next = world.up();
    await next.says(/Waiting for the index|Ended session/);
    const isLeft = /Waiting for the index/.test(next.told);
    if (gate) await liftForNext({ world, gate, pid, isLeft });
    const found = [...(await succeeds(world, next)), ...(await goesOnInVain(world, holder))];
    const [after] = await world.query(index);
    const isSame = JSON.stringify(before) === JSON.stringify(after);
    return [...found, ...unless(isSame, 'adopted', { before, after }), ...(await violationsIn(world))];
  },
};

/** Nobody else wants the lease here, so that standing still for a while must not cost it. */
const LONG_LEASE_MS = 60_000;

/** A second invocation under the same lease, while the first one still exists. */
export const SECOND_ATTEMPT = 'a second attempt under the same lease';
export const attemptIsRepeated: Scenario = {
  name: 'a second attempt of the same execution, while the first stands still',
  strikes: { point: SECOND_ATTEMPT, fault: 'SIGSTOP', class: 'frozen' },
  async run(context, edits, recovered) {
    const world = await createWorld({ context, lease: 'dynamodb', set: MIXED, edits });
    const fault = { place: 'between two migrations', kind: 'SIGSTOP' } as const;
    const first = world.attempt('execution', LONG_LEASE_MS, fault);
    await first.hasFailed('SIGSTOP');
    const failedMs = performance.now();
    const second = world.attempt('execution', LONG_LEASE_MS, fault);
    // It is let in, and stands still before it writes; or it ends, or never gets so far.
    const stops = second.hasFailed('SIGSTOP').then(
      () => true,
      () => false,
    );
    const isLetIn = await Promise.race([stops, sleep(limitIn(world), false)]);
    if (isLetIn) recovered?.(performance.now() - failedMs);
    first.signal('SIGCONT');
    const firstEnded = await first.endedWithin(limitIn(world));
    if (isLetIn) second.signal('SIGCONT');
    const found = [
      ...unless(isLetIn && firstEnded !== undefined, 'ends', { isLetIn, firstEnded }),
      ...(await succeeds(world, second)),
    ];
    await world.leases?.release({ target: world.target, holder: 'execution', durationMs: 0, token: 0 });
    return [...found, ...(await violationsIn(world))];
  },
};

/** The lease is released between them. */
export const runsFollow: Scenario = {
  name: 'runs follow one another, lease in dynamodb',
  async run(context, edits) {
    const world = await createWorld({ context, lease: 'dynamodb', set: MIXED, edits });
    const found: Violation[] = [];
    const tokens: (number | undefined)[] = [];
    for (const revision of ['0001', '0002', '0004']) {
      found.push(...(await succeeds(world, world.up({ args: ['--to', revision] }))));
      tokens.push((await world.leases?.read(world.target))?.token);
    }
    const grow = tokens.every((token, i) => token !== undefined && token > (tokens[i - 1] ?? 0));
    return [...found, ...unless(grow, 'tokens', tokens), ...(await violationsIn(world))];
  },
};
