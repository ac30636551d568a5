/**
 * Processes that are killed at random times, one after the other, until one of them finishes: whatever kind of step is
 * hit, the next process goes on. The same seed gives the same times; what they hit depends on the machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import type { Edit } from './edit.ts';
import type { LeaseKind } from './fault.ts';
import { unless, type Violation, violationsIn } from './invariants.ts';
import { KILLED } from './migration-sets.ts';
import { createWorld, type World } from './world.ts';

/** The steps take about as long, all together. */
const KILLED_WITHIN_MS = 4_000;
/** The longest of all waits, with all of the work still to be done. */
const LIMIT_MS = 40_000;

/**
 * As it is, the server lets a statement of these run to its end, because it looks for its client only each five
 * seconds. Where it looks sooner, the statement breaks off in the middle, as one does that takes long.
 */
const NOTICED_SOON: Edit = {
  file: 'lib/adapters/postgres/session-settings.ts',
  find: 'CLIENT_CHECK_INTERVAL_S = 5;',
  replace: 'CLIENT_CHECK_INTERVAL_S = 0.1;',
};

/** What was hit, as the server saw it. */
export type Hits = Map<string, number>;

/** Kills so many processes, over as many databases as it takes. */
export async function killAtRandom(options: {
  readonly context: TestContext;
  readonly edits: readonly Edit[];
  readonly random: () => number;
  readonly kills: number;
  readonly hits: Hits;
}): Promise<Violation[]> {
  const { context, edits, random, hits } = options;
  const found: Violation[] = [];
  for (let left = options.kills; left > 0; ) {
    const lease: LeaseKind = random() < 0.5 ? 'postgres' : 'dynamodb';
    const pace = random() < 0.3 ? [] : [NOTICED_SOON];
    const world = await createWorld({ context, lease, set: KILLED, edits: [...edits, ...pace] });
    while (left > 0 && (await isKilled(world, random, hits))) left -= 1;
    found.push(...(await finishes(world)), ...(await violationsIn(world)), ...(await batches(world)));
  }
  return found;
}

/** Only the last process gets so far: one that finds nothing to do leaves the lease of a dead one to be taken over later. */
const BEFORE_LAST = ['--to', '0006'];

/** False when it ended by itself before that. Most are let come to their steps, however long a busy machine takes. */
async function isKilled(world: World, random: () => number, hits: Hits): Promise<boolean> {
  const process = world.up({ args: BEFORE_LAST });
  const isAtStart = random() < 0.2;
  const afterMs = random() * KILLED_WITHIN_MS;
  if (!isAtStart) await Promise.race([process.says(/Lease obtained/), process.ended]);
  const ended = await Promise.race([process.ended, sleep(afterMs)]);
  if (ended) return false;
  const hit = await doing(world);
  await process.kill();
  // It may have ended in the meantime.
  if ((await process.ended).signal !== 'SIGKILL') return false;
  hits.set(hit, (hits.get(hit) ?? 0) + 1);
  return true;
}

async function finishes(world: World): Promise<Violation[]> {
  const process = world.up();
  const ended = await process.endedWithin(LIMIT_MS);
  return unless(ended?.exitCode === 0, 'ends', ended ?? `stuck; it said:\n${process.told}`);
}

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^CREATE INDEX CONC/, 'in an index build'],
  [/^REINDEX/, 'in a REINDEX'],
  [/^(DROP INDEX|ALTER TABLE .* DETACH)/, 'in what takes something away'],
  [/UPDATE lockstep\.journal SET cursor/, 'in a batch'],
  [/^BEGIN/, 'in a migration'],
];

/** What the session that has the advisory lock does, if any has it: perhaps that of a process that was killed before. */
async function doing({ query }: World): Promise<string> {
  const [row] = await query<{ query: string; state: string }>(
    `SELECT query, state FROM pg_stat_activity JOIN pg_locks USING (pid)
     WHERE datname = current_database() AND locktype = 'advisory' AND granted AND application_name LIKE 'lockstep %'`,
  );
  if (!row) return 'before it has the lock';
  if (row.state !== 'active') return 'between two statements';
  return KINDS.find(([pattern]) => pattern.test(row.query))?.[1] ?? 'in a statement of our own';
}

/** Each row was written by exactly one batch, and the index that the other steps have made is there, once. */
async function batches({ query }: World): Promise<Violation[]> {
  const rows = await query('SELECT touched, count(*)::int AS rows FROM items GROUP BY 1');
  const keys = await query('SELECT keys::int FROM lockstep.journal WHERE cursor IS NOT NULL');
  const indexes = await query(
    `SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'items'::regclass ORDER BY 1`,
  );
  const seen = { rows, keys, indexes };
  const should = {
    rows: [{ touched: 1, rows: 1_500 }],
    keys: [{ keys: 1_500 }],
    indexes: [{ name: 'items_pkey' }, { name: 'items_slow' }],
  };
  return unless(JSON.stringify(seen) === JSON.stringify(should), 'once', seen);
}

/** A generator that a seed determines (mulberry32): at least 0, below 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
