/**
 * One builds an index concurrently while ten others, each with a session of its own, wait for the same run. The build waits
 * for every older transaction in the database; one that waits for the lock inside a statement is such a transaction.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrateResult } from '../../lib/engine/index.ts';
import { type Files, type Site, siteForTest } from '../engine/site.ts';
import { startSession } from './idle-transaction.ts';

const WAITERS = 10;
/** A second by default: so a round is shorter. */
const DEADLOCK_TIMEOUT_MS = 100;
/** Of two that wait for each other, the one that began last looks for a deadlock. */
const TOGETHER_MS = 3 * DEADLOCK_TIMEOUT_MS;
const LIMIT_MS = 30_000;

const TABLE: Files = {
  '0001_items.sql': 'CREATE TABLE items AS SELECT n AS id, n % 97 AS kind FROM generate_series(1, 2000) n;',
};
const ALL: Files = { ...TABLE, '0002_index.sql': 'CREATE INDEX CONCURRENTLY items_kind ON items (kind);' };

const BUILDS = 'SELECT FROM pg_stat_progress_create_index WHERE datname = current_database()';
const WAIT = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'lockstep %'
  AND application_name !~ '^lockstep (#|look|watch)' HAVING count(*) >= ${WAITERS}`;
const VALID = `SELECT count(*)::int AS n FROM pg_index WHERE indexrelid = 'items_kind'::regclass AND indisvalid`;

export interface Round {
  readonly ms: number;
  /** Empty when all went well. */
  readonly problems: readonly string[];
}

export async function siteOfWaiters(): Promise<Site> {
  const site = await siteForTest();
  await site.rows(`ALTER DATABASE ${site.name} SET deadlock_timeout = '${DEADLOCK_TIMEOUT_MS}ms'`);
  await site.up(TABLE);
  return site;
}

/** As if the index had never been asked for: a database of its own for each round would be most of its time. */
const AGAIN = `DROP INDEX IF EXISTS items_kind; DELETE FROM lockstep.entry WHERE revision = 2;
  DELETE FROM lockstep.journal; DELETE FROM lockstep.run`;

export async function tenWaiters(site: Site): Promise<Round> {
  await site.rows(AGAIN);
  const writer = await startSession(site.url, 'BEGIN; INSERT INTO items VALUES (0, 0)');
  const startedMs = performance.now();
  const all = Array.from({ length: WAITERS + 1 }, () => site.up(ALL, { leaseWaitMs: LIMIT_MS }));
  const ended = Promise.allSettled(all);
  // Whoever ends now has failed, and there is no use in waiting for the others to wait.
  await Promise.race([
    site
      .until(BUILDS)
      .then(() => site.until(WAIT))
      .then(() => sleep(TOGETHER_MS)),
    ...all,
  ]).catch(() => undefined);
  await writer.end();
  const results = await Promise.race([ended, sleep(2 * LIMIT_MS, undefined, { ref: false })]);
  const ms = performance.now() - startedMs;
  if (!results) return { ms, problems: ['it hangs'] };
  const [valid] = await site.rows<{ n: number }>(VALID);
  return { ms, problems: problemsOf(results, valid?.n ?? 0) };
}

function problemsOf(results: readonly PromiseSettledResult<MigrateResult>[], valid: number): string[] {
  const failed = results.flatMap((r) => (r.status === 'rejected' ? [String(r.reason)] : []));
  const ran = results.filter((r) => r.status === 'fulfilled' && r.value.ran).length;
  return [
    ...failed,
    ...(ran === 1 ? [] : [`${ran} have run it`]),
    ...(valid === 1 ? [] : ['the index is not valid']),
  ];
}
