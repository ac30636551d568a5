/**
 * A back-fill, batch by batch: see core/backfill for what it promises. Each batch is one message, as a transactional
 * step is, with the cursor in the place of the ledger row; between two batches no lock is held and nothing is open.
 */
import { FIRST_BATCH_SIZE, nextBatchSize } from '../../core/backfill/index.ts';
import { type Patience, patiently } from '../../core/locks/index.ts';
import type { Step } from '../../core/plan/index.ts';
import { beginMessage, type Change, checkFence, journalRow, STATEMENT_SEPARATOR } from './change.ts';
import { conditionOf, nextRange, type Range, walkedTable } from './key-range.ts';
import type { JournalStep } from './ledger.ts';
import { migrationError, type SentMessage } from './migration-error.ts';
import { type AttemptLimits, recordDone } from './run-alone.ts';
import type { Row, Sender, Session } from './session.ts';
import { migrationSettings, restoreSession } from './session-settings.ts';
import { literal } from './sql.ts';

export type BatchedStep = Extract<Step, { kind: 'batches' }>;

/** What the walk needs of the attempt that makes it. */
export interface BatchLimits extends AttemptLimits, Patience {
  onBatch(walked: { readonly keys: number; readonly tableKeys: number; readonly size: number }): void;
  onPause(reason: string): void;
}

/**
 * Goes on after `begun`, or begins. True when the whole table is done; false when the time was over before that.
 * Throws LS403, LS601 to LS609, LS301.
 */
export async function runBatches(
  session: Session,
  change: Change,
  step: BatchedStep,
  begun: JournalStep | undefined,
  limits: BatchLimits,
): Promise<boolean> {
  const { tableKeys } = await walkedTable(session, step.batch, change);
  if (!begun) await session.query(beginMessage(change, step));
  let cursor = begun?.cursor ?? null;
  let keys = begun?.keys ?? 0;
  let size = begun?.batchSize ?? FIRST_BATCH_SIZE;
  let last: { readonly durationMs: number; readonly walAt: number | null } | undefined;
  for (;;) {
    limits.throwIfEnded();
    if (!limits.hasTime()) return false;
    const before = await lookAround(session, change, step);
    if (last) size = nextBatchSize({ size, durationMs: last.durationMs, walBytes: walSince(last, before) });
    const { walAt, reason } = await calm(session, change, step, limits, before);
    if (reason !== undefined) return false;
    const range = await nextRange(session, step.batch, cursor, size);
    if (!range) break;
    const startedMs = limits.nowMs();
    const { tries } = await patiently(limits, () => send(session, change, step, range, limits.timeLeftMs()));
    [cursor, keys] = [range.upTo, keys + range.keys];
    // A batch that met others is made smaller, too: it took its time to learn that.
    last = { durationMs: tries > 1 ? Number.POSITIVE_INFINITY : limits.nowMs() - startedMs, walAt };
    limits.onBatch({ keys, tableKeys, size });
  }
  await recordDone(session, change, step);
  return true;
}

async function send(
  session: Session,
  change: Change,
  step: BatchedStep,
  range: Range,
  timeLeftMs: number,
): Promise<void> {
  const message = batchMessage(session, change, step, range, timeLeftMs);
  try {
    await session.run(message.text);
  } catch (error) {
    if (!session.isLost) await session.run('ROLLBACK').catch(() => session.destroy());
    throw migrationError(error, message);
  }
}

/** As it is sent, so that it can be shown beforehand. */
export function batchMessage(
  session: Sender,
  change: Change,
  step: BatchedStep,
  range: Range,
  timeLeftMs: number,
): SentMessage {
  const { searchPath, user, actingAs } = session.facts;
  const { text, inFile } = withCondition(change, step, conditionOf(step.batch, range));
  const before = [
    'BEGIN ISOLATION LEVEL READ COMMITTED',
    checkFence(change),
    `UPDATE lockstep.journal SET cursor = ${literal(JSON.stringify(range.upTo))}, keys = keys + ${range.keys},
       batch_size = ${range.size}, xid = pg_catalog.pg_current_xact_id(), at = pg_catalog.clock_timestamp()
     WHERE ${journalRow(change, step.index)}`,
    migrationSettings({ ...change, searchPath, transactional: true, timeLeftMs }),
    '',
  ];
  const leave = [literal(change.revision), change.ordinal, step.index, literal(user), literal(actingAs)];
  const after = [
    '',
    'SET CONSTRAINTS ALL IMMEDIATE',
    restoreSession(session),
    `SELECT lockstep.leave_batch(${leave.join(', ')})`,
    'COMMIT',
  ];
  return {
    change,
    step,
    statements: [step.statement],
    texts: [text],
    before: before.join(';\n'),
    statementsBefore: before.length - 1,
    text: `${before.join(';\n')}${text}${after.join(STATEMENT_SEPARATOR)}`,
    inFile,
  };
}

/** The statement with a condition in the place of the call. */
export function withCondition(
  { script }: Change,
  { statement, batch }: BatchedStep,
  condition: string,
): { readonly text: string; readonly inFile: (byte: number) => number } {
  const sql = Buffer.from(script.sql, 'utf8');
  const [head, tail] = [sql.subarray(statement.start, batch.start), sql.subarray(batch.end, statement.end)];
  const grown = Buffer.byteLength(condition, 'utf8') - (batch.end - batch.start);
  return {
    text: `${head}${condition}${tail}`,
    // Everything in the condition is the call, as far as the author can see.
    inFile: (byte) => (byte <= head.length ? byte : Math.max(batch.start - statement.start, byte - grown)),
  };
}

/** Replicas that are further behind than this are given time. */
const MOST_LAG_S = 10;
/** So many sessions that wait for locks in this database are a traffic jam, whoever made it. */
const MOST_WAITERS = 20;
const LOOK_AGAIN_MS = 1_000;

interface Surroundings {
  /** To wait; undefined when there is none. */
  readonly reason: string | undefined;
  /** Bytes that the server has written to its log since it was made; null where it does not tell. */
  readonly walAt: number | null;
}

const walSince = (before: Pick<Surroundings, 'walAt'>, { walAt }: Surroundings): number | null =>
  before.walAt === null || walAt === null ? null : walAt - before.walAt;

/** When there is no reason to wait any more; or with one, when no time is left for that. */
async function calm(
  session: Session,
  change: Change,
  step: BatchedStep,
  limits: BatchLimits,
  before: Surroundings,
): Promise<Surroundings> {
  let told = '';
  let seen = before;
  while (seen.reason !== undefined) {
    if (seen.reason !== told) limits.onPause(seen.reason);
    told = seen.reason;
    await limits.sleep(LOOK_AGAIN_MS);
    limits.throwIfEnded();
    if (!limits.hasTime()) return seen;
    seen = await lookAround(session, change, step);
  }
  return seen;
}

async function lookAround(session: Session, change: Change, step: BatchedStep): Promise<Surroundings> {
  const [row] = await session.query(
    `SELECT j.paused,
       (SELECT pg_catalog.round(pg_catalog.max(EXTRACT(epoch FROM r.replay_lag))) FROM pg_catalog.pg_stat_replication r) AS lag,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l WHERE NOT l.granted) AS waiters,
       lockstep.wal_position() - '0/0'::pg_catalog.pg_lsn AS wal
     FROM lockstep.journal j WHERE ${journalRow(change, step.index)}`,
  );
  return { reason: reasonToPause(row), walAt: row?.wal ? Number(row.wal) : null };
}

function reasonToPause(row: Row | undefined): string | undefined {
  if (row?.paused === 't') return 'it was paused: `lockstep backfill resume` lets it go on';
  if (Number(row?.lag ?? 0) > MOST_LAG_S) return `a replica is ${row?.lag} s behind`;
  if (Number(row?.waiters ?? 0) > MOST_WAITERS) return `${row?.waiters} sessions wait for locks`;
  return undefined;
}
