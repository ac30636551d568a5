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
import { GATE_KEY, insert, type MigrationSet } from './migration-sets.ts';
import { seeded } from './random-kills.ts';
import { createWorld, type World } from './world.ts';

const SEED = Number(process.env.LOCKSTEP_SEED ?? randomInt(2 ** 31));
const revisions = Array.from({ length: 600 }, (_, i) => String(i + 1).padStart(4, '0'));
/** Nobody gets beyond this one before a process has failed. */
const GATE = '0500';
const GATED = `-- lockstep: lock-timeout=60s\nSELECT pg_advisory_xact_lock_shared(${GATE_KEY});\n`;
const SMALL: MigrationSet = {
  files: Object.fromEntries(
    revisions.map((revision) => [
      `${revision}_small.sql`,
      `${revision === GATE ? GATED : ''}${insert(revision)}`,
    ]),
  ),
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

const LEASES: readonly LeaseKind[] = ['postgres', 'dynamodb'];
const CASES = Object.keys(FAULTS).flatMap((fault) => LEASES.map((lease) => ({ fault, lease })));

it.concurrent.for(CASES)(
  `of many small ones each is applied once, and in order, when one is $fault among them: lease in $lease (LOCKSTEP_SEED=${SEED})`,
  { timeout: 120_000 },
  async ({ fault, lease }, context) => {
    const world = await createWorld({ context, lease, set: SMALL, edits: [] });
    await world.query(`SELECT pg_advisory_lock(${GATE_KEY})`);
    const holder = world.up();
    await holder.says(/Applied 0*[1-9]/);
    await sleep(seeded(SEED)() * WITHIN_MS);
    await FAULTS[fault]!(holder, world);
    await world.query(`SELECT pg_advisory_unlock(${GATE_KEY})`);
    const last = await world.up().endedWithin(LIMIT_MS);
    holder.signal('SIGCONT');
    await holder.endedWithin(LIMIT_MS);
    context
      .expect([...unless(last?.exitCode === 0, 'ends', last), ...(await violationsIn(world))])
      .toEqual([]);
  },
);
