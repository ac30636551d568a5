/**
 * A run of many small migrations, of which the next one is sent before the one before is answered (lib/engine/ahead.ts):
 * processes are killed, stopped and cut off at random times in the middle of it.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { it } from 'vitest';
import type { LeaseKind } from './fault.ts';
import type { FaultyProcess } from './faulty-process.ts';
import { unless, violationsIn } from './invariants.ts';
import { insert, type MigrationSet } from './migration-sets.ts';
import { seeded } from './random-kills.ts';
import { createWorld, type World } from './world.ts';

const SEED = Number(process.env.LOCKSTEP_SEED ?? randomInt(2 ** 31));
const revisions = Array.from({ length: 2_000 }, (_, i) => String(i + 1).padStart(4, '0'));
const SMALL: MigrationSet = {
  files: Object.fromEntries(revisions.map((revision) => [`${revision}_small.sql`, insert(revision)])),
  revisions,
  rows: revisions,
  indexes: [],
};
/** A process makes a few hundred of them in that time. */
const WITHIN_MS = 300;
const LIMIT_MS = 40_000;

const FAULTS: Readonly<Record<string, (holder: FaultyProcess, world: World) => Promise<unknown>>> = {
  killed: (holder) => holder.kill(),
  'cut off': (_, { query }) =>
    query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'lockstep #%'`),
  // The next process replaces it, and it goes on when all is done.
  stopped: async (holder) => holder.signal('SIGSTOP'),
};

it.concurrent.for<LeaseKind>(['postgres', 'dynamodb'])(
  `of many small ones each is applied once, and in order, whatever fails among them: lease in %s (LOCKSTEP_SEED=${SEED})`,
  { timeout: 120_000 },
  async (lease, context) => {
    const random = seeded(SEED);
    const world = await createWorld({ context, lease, set: SMALL, edits: [] });
    const holders: FaultyProcess[] = [];
    for (const strike of Object.values(FAULTS)) {
      const holder = world.up();
      holders.push(holder);
      await Promise.race([holder.says(/Applied 0*[1-9]/), holder.ended]);
      await sleep(random() * WITHIN_MS);
      await strike(holder, world);
      const [row] = await world.query<{ applied: number }>(
        'SELECT count(*)::int AS applied FROM lockstep.entry',
      );
      context.expect(row!.applied).toBeLessThan(revisions.length);
    }
    const last = await world.up().endedWithin(LIMIT_MS);
    for (const holder of holders) holder.signal('SIGCONT');
    await Promise.all(holders.map((holder) => holder.endedWithin(LIMIT_MS)));
    context
      .expect([...unless(last?.exitCode === 0, 'ends', last), ...(await violationsIn(world))])
      .toEqual([]);
  },
);
