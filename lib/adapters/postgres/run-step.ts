/**
 * One step of a migration, on the session that holds the advisory lock.
 *
 * A transactional step is one message, so it costs one round trip, and the server stops at the first error:
 * nothing after it is run, and the COMMIT is at the end. The ledger row (of the last step; else the journal row) is
 * in the same transaction. A statement that PostgreSQL refuses in a transaction is run alone between two
 * transactions that journal its start and its end; see run-alone.ts.
 */
import type { Step } from '../../core/plan/index.ts';
import {
  type Change,
  checkFence,
  insertEntry,
  insertJournal,
  isLastStep,
  leaveStep,
  STATEMENT_SEPARATOR,
  stepTexts,
} from './change.ts';
import { type LockRecord, noteLocks } from './lock-record.ts';
import { migrationError, type SentMessage } from './migration-error.ts';
import type { Sender, Session } from './session.ts';
import { migrationSettings, restoreSession } from './session-settings.ts';

export type TransactionalStep = Extract<Step, { kind: 'transaction' }>;

export interface Sending {
  /** Until the attempt must have stopped; may be Infinity. */
  readonly timeLeftMs: number;
  readonly locks?: LockRecord | undefined;
}

/** Statements before the migration's own: BEGIN, fence, row, settings. */
const STATEMENTS_BEFORE = 4;

/**
 * Leaves nothing behind when it fails, so that it may be tried again. Throws LS403, LS601 to LS608, and LS301 when the
 * outcome is not known: then the ledger tells.
 */
export async function runTransactional(
  session: Session,
  change: Change,
  step: TransactionalStep,
  sending: Sending,
): Promise<void> {
  const message = transactionMessage(session, change, step, sending);
  try {
    await session.run(message.text);
  } catch (error) {
    if (!session.isLost) await session.run('ROLLBACK').catch(() => session.destroy());
    throw migrationError(error, message);
  }
}

/** As it is sent, so that it can be shown beforehand. */
export function transactionMessage(
  session: Sender,
  change: Change,
  step: TransactionalStep,
  { timeLeftMs, locks }: Sending,
): SentMessage {
  const { searchPath } = session.facts;
  const last = isLastStep(change, step);
  const before = [
    'BEGIN ISOLATION LEVEL READ COMMITTED',
    checkFence(change),
    last ? insertEntry(change) : insertJournal(change, step),
    migrationSettings({ ...change, searchPath, transactional: true, timeLeftMs }),
    '',
  ].join(';\n');
  const texts = stepTexts(change, step);
  const after = [
    '',
    // Triggers that are put off until COMMIT would run under our search_path, and as the login.
    'SET CONSTRAINTS ALL IMMEDIATE',
    restoreSession(session),
    ...(locks ? [noteLocks(change, last ? null : step.index, locks)] : []),
    leaveStep(change, last ? null : step.index, session.facts),
    // Files that it drops are dropped only when it is on disk: the server waits all the same.
    ...(change.isDurable ? [] : ['SET LOCAL synchronous_commit = off']),
    'COMMIT',
  ].join(STATEMENT_SEPARATOR);
  return {
    change,
    step,
    statements: step.statements,
    texts,
    before,
    statementsBefore: STATEMENTS_BEFORE,
    text: `${before}${texts.join(STATEMENT_SEPARATOR)}${after}`,
  };
}
