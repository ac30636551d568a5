/** Scenarios in which others use the table that a migration wants to lock. */
import { setTimeout as sleep } from 'node:timers/promises';
import { unless, type Violation, violationsIn } from './invariants.ts';
import { LOCK_TIMEOUT_MS, LOCKING } from './migration-sets.ts';
import { limitIn, type Scenario, succeeds } from './scenario.ts';
import { connect, createWorld, type World } from './world.ts';

/** A session of somebody who reads the table and does not end the transaction. */
async function openReader(world: World) {
  const client = await connect(world.url);
  await client.query('BEGIN; SELECT FROM effects');
  return client;
}

/** Reads again and again until it is told to stop; gives the longest that one took. */
function keepReading(world: World): { stop(): Promise<number> } {
  const over = new AbortController();
  const reading = (async () => {
    const client = await connect(world.url);
    let longestMs = 0;
    while (!over.signal.aborted) {
      const startedMs = performance.now();
      await client.query('SELECT FROM effects');
      longestMs = Math.max(longestMs, performance.now() - startedMs);
      await sleep(10);
    }
    await client.end();
    return longestMs;
  })();
  return {
    stop() {
      over.abort();
      return reading;
    },
  };
}

/** Much longer than a try may keep others waiting, whatever else the machine does meanwhile. */
const READ_FOR_MS = 6_000;

export const othersRead: Scenario = {
  name: 'somebody reads a table for long, which a migration changes, and others read it, too',
  async run(context, edits) {
    const world = await createWorld({ context, lease: 'postgres', set: LOCKING, edits });
    const reader = await openReader(world);
    const others = keepReading(world);
    const process = world.up();
    await process.says(/Applying 0002/);
    await sleep(READ_FOR_MS);
    await reader.end();
    const found = await succeeds(world, process);
    const longestMs = await others.stop();
    return [
      ...found,
      ...unless(longestMs < READ_FOR_MS / 2 + LOCK_TIMEOUT_MS, 'unhindered', longestMs),
      ...(await violationsIn(world)),
    ];
  },
};

export const readerStays: Scenario = {
  name: 'somebody reads a table for longer than a migration may wait',
  async run(context, edits) {
    const world = await createWorld({ context, lease: 'postgres', set: LOCKING, edits });
    const reader = await openReader(world);
    const process = world.up({ args: ['--lock-wait', '1s'] });
    const ended = await process.endedWithin(limitIn(world));
    const found: Violation[] = unless(
      ended?.output.error?.code === 'LS610',
      'ends',
      ended ?? `stuck; it said:\n${process.told}`,
    );
    await reader.end();
    found.push(...(await succeeds(world, world.up())));
    return [...found, ...(await violationsIn(world))];
  },
};
