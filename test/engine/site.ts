/** A database of its own, and the engine's use cases on it, with migrations that are given as text. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import {
  connect,
  type DatabaseConfig,
  databaseConfigFrom,
  type Session,
} from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import {
  arrangeFiles,
  arrangeRepeatables,
  compileMigration,
  compileRepeatable,
} from '../../lib/core/plan/compile/index.ts';
import {
  type MigrationSource,
  makeBundle,
  type RevertRequest,
  sourceOfBundle,
} from '../../lib/core/plan/index.ts';
import {
  type ApplyOptions,
  type ApplyResult,
  apply,
  type MigrateOptions,
  type MigrateResult,
  migrate,
  type RevertResult,
  revertAll,
} from '../../lib/engine/index.ts';
import { parser } from '../support/compile.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';

export type Files = Readonly<Record<string, string>>;

export function sourceOf(files: Files): MigrationSource {
  const names = Object.keys(files);
  const bytesOf = (file: string) => Buffer.from(files[file]!);
  return sourceOfBundle(
    makeBundle(
      arrangeFiles(names).map((migration) => compileMigration(migration, bytesOf, parser)),
      arrangeRepeatables(names).map((object) => compileRepeatable(object, bytesOf, parser)),
    ),
  );
}

export const configOf = (url: string): DatabaseConfig =>
  databaseConfigFrom({ url, env: {}, readFile: () => '' });

type Options = Partial<Omit<MigrateOptions, 'source'>>;

export interface Site {
  readonly name: string;
  /** Superuser's. */
  readonly url: string;
  readonly database: DatabaseConfig;
  /** What `migrate` and its like need; the lease is PostgreSQL's, if nothing else is said. */
  context(options?: Options): Omit<MigrateOptions, 'source'>;
  up(files: Files, options?: Options): Promise<MigrateResult>;
  down(request: RevertRequest, options?: Options): Promise<RevertResult>;
  /** One attempt under a lease in memory, as a function makes it. */
  attempt(files: Files, options?: Partial<ApplyOptions>): Promise<ApplyResult>;
  rows<Row extends object = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** A coordinator session; ended with the test. */
  session(applicationName?: string): Promise<Session>;
  /** Until the query gives a row; the test's own time limit ends it. */
  until(sql: string): Promise<void>;
}

const TARGET = 'orders';
let holders = 0;
export const newHolder = (): string => `host:${process.pid}:${++holders}`;

export async function siteForTest(): Promise<Site> {
  const { name, url, drop } = await createDatabase();
  onTestFinished(drop);
  const database = configOf(url);
  const rows: Site['rows'] = (sql) => queryRows(url, sql);
  const context = (options: Options = {}) => ({
    database,
    clock: systemClock,
    leases: 'postgres' as const,
    target: TARGET,
    holder: newHolder(),
    leaseDurationMs: 10_000,
    leaseWaitMs: 20_000,
    ...options,
  });
  return {
    name,
    url,
    database,
    context,
    rows,
    up: (files, options) => migrate({ ...context(options), source: sourceOf(files) }),
    down: (request, options) => revertAll({ ...context(options), request }),
    async attempt(files, options = {}) {
      const leases = options.leases ?? new MemoryLeaseStore();
      const holder = newHolder();
      const lease = options.lease ?? (await leaseOf(leases, holder));
      const given = { database, clock: systemClock, source: sourceOf(files), runId: holder };
      return apply({ ...given, ...options, leases, lease });
    },
    async session(applicationName = 'lockstep test') {
      const session = await connect({ config: database, clock: systemClock, applicationName });
      onTestFinished(() => session.end());
      return session;
    },
    async until(sql) {
      while ((await rows(sql)).length === 0) await sleep(20);
    },
  };
}

export async function leaseOf(leases: LeaseStore, holder: string, durationMs = 10_000) {
  const result = await leases.tryAcquire({ target: TARGET, holder, durationMs });
  if (result.kind !== 'acquired') throw new Error('the lease is held');
  return result.lease;
}

/** The LockstepError that it fails with; anything else fails the test. */
export async function failureOf(work: Promise<unknown>): Promise<LockstepError> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  expect(outcome).toHaveProperty('error');
  const { error } = outcome as { error: unknown };
  if (error instanceof LockstepError) return error;
  throw error;
}

/** Sessions of Lockstep in the database, and advisory locks. */
export const LEFT_BEHIND = `SELECT a.application_name AS left FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.application_name LIKE 'lockstep %' AND a.application_name <> 'lockstep tests'
  UNION ALL SELECT 'lock of ' || l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND d.datname = current_database()`;

/** Whoever waits for a lock in the database; other tests use the same server. To be continued with AND. */
export const WAITS_FOR_LOCK = `SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE a.datname = current_database() AND NOT l.granted`;

export const SLEEPING = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
