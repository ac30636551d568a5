/**
 * A statement that cannot be in a transaction: journal `started`, the statement alone, its postcondition read from
 * the catalogs, journal `done` (and, for a migration's last step, the ledger row).
 *
 * The fence cannot stand around the statement itself. There the session is the fence: it holds the advisory lock,
 * an older one is ended before a newer attempt goes on, and none is ever replaced by a reconnect.
 * Several statements in one message are one transaction, which the server takes back at the first error.
 */
import { LockstepError } from '../../core/errors/index.ts';
import { migrationName, type Postcondition, type Step } from '../../core/plan/index.ts';
import {
  adoptJournal,
  beginMessage,
  type Change,
  checkFence,
  deleteJournal,
  insertEntry,
  isLastStep,
  leaveStep,
  stepTexts,
} from './change.ts';
import { type Before, effectOf, lookBefore } from './effect.ts';
import { migrationError } from './migration-error.ts';
import type { Sender, Session } from './session.ts';
import { migrationSettings, restoreSession, statementLimitMs } from './session-settings.ts';

export type LoneStep = Extract<Step, { kind: 'alone' }>;

/** Of the attempt that runs the statement. */
export interface AttemptLimits {
  readonly timeLeftMs: () => number;
  /** Throws what ended the attempt early, if something did. */
  throwIfEnded(): void;
}

/** Throws LS403, LS601, LS604, LS608, LS613, and LS301 when the outcome is not known: then the journal tells. */
export async function runAlone(
  session: Session,
  change: Change,
  step: LoneStep,
  attempt: AttemptLimits,
): Promise<void> {
  const { postcondition } = step;
  // One that somebody's broken-off build left behind would make IF NOT EXISTS pass over it.
  if (postcondition.kind === 'index-valid') await mendNow(session, postcondition, limitMs(change, attempt));
  const before = await lookBefore(session, postcondition);
  await session.query(beginMessage(change, step, before));
  await send(session, change, step, before, attempt);
  if (tells(postcondition) && (await effectOf(session, postcondition)).kind !== 'whole') {
    await session.query(`${checkFence(change)}; ${deleteJournal(change, step.index)}`);
    throw withoutEffect(change, step.index);
  }
  await recordDone(session, change, step);
}

/** Whether its being true says that the statement was done. */
const tells = ({ kind }: Postcondition): boolean => !['reindexed', 'repeatable', 'unknown'].includes(kind);

async function mendNow(session: Session, postcondition: Postcondition, limit: number): Promise<void> {
  const effect = await effectOf(session, postcondition);
  if (effect.kind === 'broken') await effect.mend(limit);
}

async function send(
  session: Session,
  change: Change,
  step: LoneStep,
  before: Before,
  attempt: AttemptLimits,
): Promise<void> {
  await session.query(loneSettings(session, change, attempt.timeLeftMs()));
  const texts = stepTexts(change, step);
  const statements = [step.statement];
  const message = { change, step, statements, texts, before: '', statementsBefore: 0, text: texts.join('') };
  try {
    // Who ends the attempt cancels what runs then: what ended it before now would let the statement run to its end.
    attempt.throwIfEnded();
    await session.run(message.text);
    await session.query(restoreSession(session));
  } catch (error) {
    if (session.isLost) throw migrationError(error, message);
    // Whatever keeps it from being taken away now: the next attempt finds it in the journal.
    const left = await undo(session, change, step, before).catch(() => 'what it had begun');
    throw migrationError(error, { ...message, left });
  }
}

/** What the statement runs under. */
export function loneSettings({ facts: { searchPath } }: Sender, change: Change, timeLeftMs: number): string {
  return migrationSettings({ ...change, searchPath, transactional: false, timeLeftMs });
}

/** An orderly run must not be kept from ending by somebody's open transaction; the next attempt drops it then. */
const UNDO_LIMIT_MS = 10_000;

/** The server says that the statement failed. Gives what stays, for the next attempt to finish. */
async function undo(
  session: Session,
  change: Change,
  step: LoneStep,
  before: Before,
): Promise<string | undefined> {
  await session.query(restoreSession(session));
  const effect = await effectOf(session, step.postcondition, before);
  if (effect.kind === 'broken') {
    if (effect.mendedBy === 'finishing') return effect.found;
    await effect.mend(UNDO_LIMIT_MS);
  }
  await session.query(`${checkFence(change)}; ${deleteJournal(change, step.index)}`);
  return undefined;
}

/** For what mends, as for the statement itself. */
export const limitMs = ({ statementTimeoutMs }: Change, { timeLeftMs }: AttemptLimits): number =>
  statementLimitMs({ statementTimeoutMs, timeLeftMs: timeLeftMs() });

/** Of a step that was journalled as begun. */
export async function recordDone(session: Session, change: Change, step: Step): Promise<void> {
  await session.query(doneMessage(session, change, step));
}

export function doneMessage({ facts }: Sender, change: Change, step: Step): string {
  const statements = [checkFence(change), adoptJournal(change, step), leaveStep(change, step.index, facts)];
  if (isLastStep(change, step)) statements.push(insertEntry(change), leaveStep(change, null, facts));
  return statements.join('; ');
}

function withoutEffect(change: Change, step: number): LockstepError {
  const name = migrationName(change);
  return new LockstepError('LS613', {
    what: `Step ${step + 1} of ${name} ended without an error, and the catalogs do not show its effect.`,
    state: 'What came before it in the file is done and recorded; it is not.',
    remedy:
      'Most often IF NOT EXISTS or IF EXISTS passed over it, as something else has its name: give it another name, or take the other away.',
    context: { revision: change.revision, step },
  });
}
