/** Databases of one server that are migrated at the same time: neither waits for the other, nor sees it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import {
  endRunSessions,
  forceReleaseLock,
  migrate,
  readHistory,
  readPlan,
  readStatus,
} from '../../lib/engine/index.ts';
import { startDynalite } from '../support/dynalite.ts';
import { queryRows } from '../support/postgres.ts';
import { configOf, type Files, newHolder, sourceOf } from './site.ts';

const maintenance = inject('postgresUrl');

/** A database with a name that has to be quoted; dropped with the test. */
async function targetNamed(suffix: string) {
  const name = `Shop "${randomUUID().slice(0, 8)}" ${suffix}`;
  const quoted = `"${name.replaceAll('"', '""')}"`;
  await queryRows(maintenance, `CREATE DATABASE ${quoted}`);
  onTestFinished(async () => {
    await queryRows(maintenance, `DROP DATABASE ${quoted} WITH (FORCE)`);
  });
  const url = Object.assign(new URL(maintenance), { pathname: `/${encodeURIComponent(name)}` }).href;
  return { target: name, url, database: configOf(url), clock: systemClock };
}
type Target = Awaited<ReturnType<typeof targetNamed>>;

const up = (target: Target, leases: LeaseStore | 'postgres', files: Files) =>
  migrate({
    ...target,
    leases,
    source: sourceOf(files),
    holder: newHolder(),
    leaseDurationMs: 10_000,
    leaseWaitMs: 20_000,
  });

const FIRST = { '0001_a.sql': 'CREATE TABLE a (n int);' };
const SECOND = { ...FIRST, '0002_b.sql': 'CREATE TABLE b (); INSERT INTO a VALUES (1);' };

/** Begins to apply the second migration, and is in the middle of it until it is let go on. */
async function heldUp(target: Target, leases: LeaseStore | 'postgres') {
  await up(target, leases, FIRST);
  const stop = new AbortController();
  const holding = queryRows(target.url, 'BEGIN; LOCK TABLE a; SELECT pg_sleep(600)').catch(() => undefined);
  const waiting = (where: string) =>
    queryRows<{ pid: number }>(
      target.url,
      `SELECT a.pid FROM pg_stat_activity a WHERE a.datname = current_database() AND ${where}`,
    );
  const until = async (where: string) => {
    while ((await waiting(where)).length === 0) await sleep(20, undefined, { signal: stop.signal });
  };
  onTestFinished(() => stop.abort());
  await until("wait_event = 'PgSleep'");
  const running = up(target, leases, SECOND);
  await until("wait_event_type = 'Lock'");
  const letGo = async () => {
    await queryRows(
      target.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event = 'PgSleep'`,
    );
    await holding;
    return running;
  };
  return { letGo };
}

const STORES: [string, () => Promise<LeaseStore | 'postgres'>][] = [
  ['PostgreSQL', async () => 'postgres'],
  [
    'one DynamoDB table',
    async () => {
      const { tableName, client, close } = await startDynalite();
      onTestFinished(close);
      return dynamoLeaseStore({ tableName, client });
    },
  ],
];

describe('two databases of one server', () => {
  it.each(STORES)('with the lease in %s: one is migrated while the other is', async (_, open) => {
    const leases = await open();
    const [one, other] = [await targetNamed('EU'), await targetNamed('US')];
    const { letGo } = await heldUp(one, leases);

    const seen = await readStatus({ ...other, leases });
    expect(seen).toMatchObject({ lock: null });
    expect(seen.lease?.state ?? 'FREE').toBe('FREE');
    const result = await up(other, leases, SECOND);
    expect(result).toMatchObject({ applied: ['0001_a', '0002_b'], token: 1 });
    expect(result.waitedMs).toBeLessThan(5_000);
    expect(await readStatus({ ...one, leases })).toMatchObject({ lease: { state: 'HELD' } });

    expect(await letGo()).toMatchObject({ applied: ['0002_b'] });
    for (const target of [one, other]) {
      expect(await queryRows(target.url, 'SELECT n FROM a')).toEqual([{ n: 1 }]);
    }
  });

  it('with one and the same ledger: what is done to one is not done to the other', async () => {
    const [one, other] = [await targetNamed('EU'), await targetNamed('US')];
    for (const target of [one, other]) await up(target, 'postgres', FIRST);
    const { letGo } = await heldUp(one, 'postgres');

    // With the other's lock, lease and runs, whose names and keys are the same.
    const released = await forceReleaseLock({ ...other, leases: 'postgres', holder: 'operator' });
    expect(released).toMatchObject({ endedSession: null });
    const run = (await readStatus({ ...one, leases: 'postgres' })).lastRun;
    expect(await endRunSessions(other, run?.runId ?? '')).toBe(0);

    expect(await letGo()).toMatchObject({ applied: ['0002_b'] });
    const { plan } = await readPlan({ ...other, source: sourceOf(SECOND) });
    expect(plan.pending.map(({ slug }) => slug)).toEqual(['b']);
    const history = async (target: Target) => (await readHistory(target)).map(({ slug }) => slug);
    expect(await history(one)).toEqual(['a', 'b']);
    expect(await history(other)).toEqual(['a']);
  });
});
