/**
 * Migrations tried in one transaction that is always rolled back. Each step is one message, as in earnest, with the same
 * settings and the same checks after it; the ledger is not touched, and need not be there.
 *
 * What PostgreSQL does not roll back is that sequences went on: that is looked at before and after.
 */
import { LockstepError } from '../../core/errors/index.ts';
import { migrationName } from '../../core/plan/index.ts';
import { IS_LEDGER_LOCK } from './advisory-lock.ts';
import { type Change, STATEMENT_SEPARATOR, stepTexts } from './change.ts';
import { walkedTable } from './key-range.ts';
import { migrationError, type SentMessage } from './migration-error.ts';
import { type BatchedStep, withCondition } from './run-batches.ts';
import type { TransactionalStep } from './run-step.ts';
import type { Session } from './session.ts';
import { migrationSettings, restoreSession } from './session-settings.ts';
import { literal } from './sql.ts';

export interface DryRun {
  /** Transaction id. */
  readonly xid: string;
  /** What every sequence gave last, by its name; null before its first value. */
  readonly sequences: Readonly<Record<string, string | null>>;
}

const XID = 'pg_catalog.pg_current_xact_id()';

/** Throws LS3xx. */
export async function beginDryRun(session: Session): Promise<DryRun> {
  const sequences = await readSequences(session);
  const [row] = await session.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SELECT ${XID} AS xid`);
  return { xid: row?.xid ?? '', sequences };
}

/** Nothing of it stays. */
export async function endDryRun(session: Session): Promise<void> {
  if (!session.isLost) await session.run('ROLLBACK').catch(() => session.destroy());
}

/** Throws what the step would fail with, except that the texts are about a migration in earnest. */
export async function tryStep(
  session: Session,
  { xid }: DryRun,
  change: Change,
  step: TransactionalStep,
  timeLeftMs: number,
): Promise<void> {
  const { statements } = step;
  await send(session, xid, { change, step, statements, texts: stepTexts(change, step) }, timeLeftMs);
}

/** With a range in which no row is, so that its names and types are checked. Throws LS609, too. */
export async function tryBatches(
  session: Session,
  { xid }: DryRun,
  change: Change,
  step: BatchedStep,
  timeLeftMs: number,
): Promise<void> {
  await walkedTable(session, step.batch, change);
  const { text, inFile } = withCondition(change, step, '(false)');
  const parts = { change, step, statements: [step.statement], texts: [text], inFile };
  await send(session, xid, parts, timeLeftMs);
}

async function send(
  session: Session,
  xid: string,
  parts: Omit<SentMessage, 'before' | 'statementsBefore' | 'text'>,
  timeLeftMs: number,
): Promise<void> {
  const { searchPath, user, actingAs } = session.facts;
  const before = `${migrationSettings({ ...parts.change, searchPath, transactional: true, timeLeftMs })};\n`;
  const after = [
    '',
    'SET CONSTRAINTS ALL IMMEDIATE',
    restoreSession(session),
    `SELECT ${XID} = ${literal(xid)} AS same, session_user = ${literal(user)} AND current_user = ${literal(actingAs)}
       AND EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid() AND ${IS_LEDGER_LOCK}) AS kept`,
  ].join(STATEMENT_SEPARATOR);
  const text = `${before}${parts.texts.join(STATEMENT_SEPARATOR)}${after}`;
  try {
    const [row] = await session.run(text);
    if (row?.same !== 't') throw endedTransaction(parts.change);
    if (row.kept !== 't') throw changedSession(parts.change);
  } catch (error) {
    throw migrationError(error, { ...parts, before, statementsBefore: 1, text });
  }
}

const endedTransaction = (change: Change): LockstepError =>
  new LockstepError('LS602', {
    what: `${migrationName(change)} ended the transaction that it was tried in.`,
    state: 'What was tried before is committed, and is not in the ledger.',
    remedy: 'Compare the schema with the files, and take the COMMIT (also in procedures) out of it.',
    context: { migration: migrationName(change) },
  });

const changedSession = (change: Change): LockstepError =>
  new LockstepError('LS608', {
    what: `${migrationName(change)} changed its session: it gave up the advisory lock, or changed the login.`,
    state: 'It was rolled back.',
    remedy: 'Take the statement that unlocks advisory locks or changes the login out of the file.',
    context: { migration: migrationName(change) },
  });

/** Names of sequences that were there before and have gone on since; to be asked when all is rolled back. Throws LS3xx. */
export async function advancedSequences(session: Session, { sequences }: DryRun): Promise<string[]> {
  const now = await readSequences(session);
  return Object.keys(sequences).filter((name) => name in now && now[name] !== sequences[name]);
}

async function readSequences(session: Session): Promise<DryRun['sequences']> {
  const [row] = await session.query(
    `SELECT pg_catalog.json_object_agg(pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.pg_sequence_last_value(s.seqrelid)::pg_catalog.text ORDER BY n.nspname, c.relname) AS sequences
     FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relpersistence <> 't' AND n.nspname <> 'lockstep' AND pg_catalog.has_sequence_privilege(s.seqrelid, 'USAGE, SELECT')`,
  );
  return JSON.parse(row?.sequences ?? '{}') ?? {};
}
