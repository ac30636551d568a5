/**
 * `doctor`: reads everything that is to be judged about a target (lib/core/diagnosis). No lease, no lock, nothing
 * written; each look has a limit of its own, and one that fails takes no other one with it.
 */
import {
  isLocal,
  lookAtFence,
  lookAtOpenSessions,
  lookAtSession,
  readClockMs,
  readConnections,
  readFence,
  readLoginSettings,
  readRights,
  readUnendedRuns,
  type Session,
  tokenOf,
} from '../adapters/postgres/index.ts';
import type {
  Facts,
  LeaseSeen,
  LedgerSeen,
  Link,
  LockSeen,
  MigrationsSeen,
  Reached,
  Reading,
  Surroundings,
} from '../core/diagnosis/index.ts';
import { asLockstepError } from '../core/errors/index.ts';
import type { LoadParser } from '../core/plan/compile/parser.ts';
import type { MigrationSource, OutOfOrderPolicy } from '../core/plan/index.ts';
import { readLease, watchLease } from './examine-lease.ts';
import { LOOK, openSession } from './open-session.ts';
import { planOn } from './planning.ts';
import type { StatusOptions } from './read.ts';
import { verifyOn } from './verify.ts';

export interface ExamineOptions extends StatusOptions {
  /** Why there are none, or the error with which they were refused. */
  readonly migrations: Reading<MigrationSource> | { readonly absent: string };
  readonly outOfOrder?: OutOfOrderPolicy | undefined;
  readonly loadParser: LoadParser;
  /** Milliseconds since 1970 by this host's clock; only shown. */
  readonly wallClockMs: () => number;
}

const CONNECT_BUDGET_MS = 5_000;
/** For what only looks: a table that somebody has locked is a finding. */
const LIMITS = { statement_timeout: '10s', lock_timeout: '2s' };

/** Throws LS605 when interrupted; whatever else fails is among the facts. */
export async function examine(options: ExamineOptions): Promise<Facts> {
  const { host, port, tls, connectBudgetMs = CONNECT_BUDGET_MS } = options.database;
  const address = { host, port, tls, isLocal: isLocal(host) };
  const database = { ...options.database, connectBudgetMs };
  const startedMs = options.clock.nowMs();
  const opened = await reading(options, () => openSession({ ...options, database }, LOOK));
  if ('error' in opened) return { address, reached: opened, lease: await leaseWithout(options, opened) };
  const session = opened.value;
  const tookMs = options.clock.nowMs() - startedMs;
  try {
    const reached = await reading(options, () => lookAround(session, options, tookMs));
    return { address, reached, lease: await reading(options, () => readLease(session, options)) };
  } finally {
    await session.end();
  }
}

async function reading<T>(
  { signal }: Pick<ExamineOptions, 'signal'>,
  work: () => Promise<T>,
): Promise<Reading<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { error: asLockstepError(error) };
  }
}

async function lookAround(session: Session, options: ExamineOptions, tookMs: number): Promise<Reached> {
  const link = await linkOf(session, tookMs);
  const rights = await reading(options, () => readRights(session));
  const { lock, ledger } = await readWork(session, options);
  return {
    link,
    rights,
    lock,
    ledger,
    ledgerLockedBy: 'error' in ledger ? await lookAtFence(session).catch(() => []) : [],
    schema: await reading(options, () =>
      verifyOn(session, { ...options, source: sourceIn(options.migrations) }),
    ),
    migrations: await readMigrations(session, options),
    surroundings: await reading(options, () => readSurroundings(session, options)),
  };
}

async function linkOf(session: Session, tookMs: number): Promise<Link> {
  const { facts, isDirect } = session;
  const isSame = `SELECT pg_catalog.pg_backend_pid() = ${facts.pid} AS same`;
  const [first] = await session.query(isSame);
  for (const [name, value] of Object.entries(LIMITS)) await session.set(name, value);
  const [second] = await session.query(isSame);
  const { user, actingAs, database, serverVersion, readOnly, settings } = facts;
  const isSameSession = first?.same === 't' && second?.same === 't';
  const checksClient = settings.includes('client_connection_check_interval');
  return {
    ...{ tookMs, user, actingAs, database, serverVersion, readOnly },
    ...{ isDirect, isSameSession, checksClient },
  };
}

/** A run counts as left without the lock if it was recorded as running before that was looked at, and is afterwards. */
async function readWork(
  session: Session,
  options: ExamineOptions,
): Promise<{ readonly lock: Reading<LockSeen>; readonly ledger: Reading<LedgerSeen> }> {
  const before = await reading(options, () => readUnendedRuns(session));
  const lock = await reading(options, () => readLock(session));
  const ledger = await reading(options, async () => {
    if ('error' in before) throw before.error;
    const known = new Set(before.value.map(({ runId }) => runId));
    const runs = known.size > 0 ? await readUnendedRuns(session) : [];
    const fenceToken = (await readFence(session))?.token ?? 0;
    return { fenceToken, runs: runs.filter(({ runId }) => known.has(runId)) };
  });
  return { lock, ledger };
}

async function readLock(session: Session): Promise<LockSeen> {
  const { holders, attempts } = await lookAtOpenSessions(session);
  const [holder] = holders;
  const standoff = holder?.pid ? await lookAtSession(session, holder.pid) : undefined;
  return {
    holder: holder ? { ...holder, token: tokenOf(holder.applicationName) ?? null } : null,
    blockedBy: standoff?.blockedBy ?? [],
    blocks: standoff?.blocks ?? { sessions: 0, longestMs: 0 },
    attempts: attempts.map((attempt) => ({ ...attempt, token: tokenOf(attempt.applicationName) ?? 0 })),
  };
}

const sourceIn = (migrations: ExamineOptions['migrations']): MigrationSource | undefined =>
  'value' in migrations ? migrations.value : undefined;

async function readMigrations(session: Session, options: ExamineOptions): Promise<MigrationsSeen> {
  const { migrations } = options;
  if ('absent' in migrations) return { kind: 'absent', why: migrations.absent };
  if ('error' in migrations) return { kind: 'read', plan: migrations };
  const source = migrations.value;
  const plan = await reading(
    options,
    async () => (await planOn(session, { source, outOfOrder: options.outOfOrder })).plan,
  );
  return { kind: 'read', plan };
}

async function readSurroundings(session: Session, { wallClockMs }: ExamineOptions): Promise<Surroundings> {
  const before = wallClockMs();
  const now = await readClockMs(session);
  const clockAheadMs = now - (before + wallClockMs()) / 2;
  return {
    clockAheadMs,
    settings: await readLoginSettings(session),
    connections: await readConnections(session),
    transactions: (await lookAtOpenSessions(session)).transactions,
  };
}

/** That a store apart from the database can be read without it. */
async function leaseWithout(options: ExamineOptions, unreached: Reading<never>): Promise<Reading<LeaseSeen>> {
  const { leases } = options;
  return leases === 'postgres' ? unreached : reading(options, () => watchLease(leases, options));
}
