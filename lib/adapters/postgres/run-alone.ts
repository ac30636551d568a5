/**
 * A statement that cannot be in a transaction: journal `started`, the statement alone, its postcondition read from
 * the catalogs, journal `done` (and, for a migration's last step, the ledger row).
 *
 * The fence cannot stand around the statement itself. There the session is the fence: it holds the advisory lock,
 * an older one is ended before a newer attempt goes on, and none is ever replaced by a reconnect.
 * Several statements in one message are one transaction, which the server takes back at the first error.
 *
 * A `started` that was never followed by `done` is settled by its postcondition: true already, then it is done;
 * an INVALID index, then it is dropped and built again; not to be told, then LS603 says what to look at.
 */
import { LockstepError } from '../../core/errors/index.ts';
import { migrationName, type Postcondition, type Step } from '../../core/plan/index.ts';
import { dropIndex, findIndex } from './catalog-index.ts';
import {
  adoptJournal,
  type Change,
  checkFence,
  deleteJournal,
  insertEntry,
  insertJournal,
  isLastStep,
  leaveStep,
  stepSha256,
  stepTexts,
} from './change.ts';
import type { JournalStep } from './ledger.ts';
import { migrationError } from './migration-error.ts';
import type { Session } from './session.ts';
import { migrationSettings, restoreSession, statementLimitMs } from './session-settings.ts';

export type LoneStep = Extract<Step, { kind: 'alone' }>;

/** Of the attempt that runs the statement. */
export interface AttemptLimits {
  readonly timeLeftMs: () => number;
  /** Throws what ended the attempt early, if something did. */
  throwIfEnded(): void;
}

/** Throws LS403, LS601, LS603, LS604, LS608, and LS301 when the outcome is not known: then the journal tells. */
export async function runAlone(
  session: Session,
  change: Change,
  step: LoneStep,
  attempt: AttemptLimits,
): Promise<void> {
  // One that somebody's broken-off build left behind would make IF NOT EXISTS pass over it.
  await dropInvalidIndex(session, step.postcondition, limitMs(change, attempt));
  await session.query(`${checkFence(change)}; ${insertJournal(change, step)}`);
  await send(session, change, step, attempt);
  if (!(await holdsTrue(session, step.postcondition))) throw untold(change, step.index);
  await recordDone(session, change, step);
}

async function send(session: Session, change: Change, step: LoneStep, attempt: AttemptLimits): Promise<void> {
  const { searchPath } = session.facts;
  const timeLeftMs = attempt.timeLeftMs();
  await session.query(migrationSettings({ ...change, searchPath, transactional: false, timeLeftMs }));
  const texts = stepTexts(change, step);
  const statements = [step.statement];
  const message = { change, step, statements, texts, before: '', statementsBefore: 0, text: texts.join('') };
  try {
    // Who ends the attempt cancels what runs then: what ended it before now would let the statement run to its end.
    attempt.throwIfEnded();
    await session.run(message.text);
    await session.query(restoreSession(session.applicationName));
  } catch (error) {
    // What cannot be taken away now, the next attempt finds in the journal and takes away.
    if (!session.isLost) await undo(session, change, step).catch(() => undefined);
    throw migrationError(error, message);
  }
}

/** An orderly run must not be kept from ending by somebody's open transaction; the next attempt drops it then. */
const UNDO_LIMIT_MS = 10_000;

/** The server says that the statement failed. */
async function undo(session: Session, change: Change, step: LoneStep): Promise<void> {
  await session.query(restoreSession(session.applicationName));
  await dropInvalidIndex(session, step.postcondition, UNDO_LIMIT_MS);
  await session.query(`${checkFence(change)}; ${deleteJournal(change, step.index)}`);
}

/**
 * Settles a step whose start is journalled and whose end is not, by the postcondition that was journalled: the file
 * may have been edited since. What turns out to be done is recorded so, if the file still says the same (`edited`
 * otherwise); of anything else no trace is left. Throws LS603, LS604.
 */
export async function settleStarted(
  session: Session,
  change: Change,
  begun: JournalStep,
  attempt: AttemptLimits,
): Promise<'done' | 'undone' | 'edited'> {
  const { postcondition, sha256 } = begun;
  if (postcondition === null || postcondition.kind === 'unknown') throw untold(change, begun.step);
  if (postcondition.kind !== 'repeatable' && (await holdsTrue(session, postcondition))) {
    const step = change.steps[begun.step];
    if (!step || sha256 !== stepSha256(change, step)) return 'edited';
    await recordDone(session, change, step);
    return 'done';
  }
  await dropInvalidIndex(session, postcondition, limitMs(change, attempt));
  await session.query(`${checkFence(change)}; ${deleteJournal(change, begun.step)}`);
  return 'undone';
}

const limitMs = ({ statementTimeoutMs }: Change, { timeLeftMs }: AttemptLimits): number =>
  statementLimitMs({ statementTimeoutMs, timeLeftMs: timeLeftMs() });

/** Of a step that was journalled as begun. */
export async function recordDone(session: Session, change: Change, step: Step): Promise<void> {
  const { facts } = session;
  const statements = [checkFence(change), adoptJournal(change, step), leaveStep(change, step.index, facts)];
  if (isLastStep(change, step)) statements.push(insertEntry(change), leaveStep(change, null, facts));
  await session.query(statements.join('; '));
}

/** Of a statement that was run: one without a known postcondition did its work when the server says so. */
async function holdsTrue(session: Session, postcondition: Postcondition): Promise<boolean> {
  switch (postcondition.kind) {
    case 'index-valid':
      return (await findIndex(session, postcondition))?.isValid === true;
    case 'index-absent':
      return (await findIndex(session, postcondition)) === undefined;
    case 'repeatable':
    case 'unknown':
      return true;
    default:
      return postcondition satisfies never;
  }
}

async function dropInvalidIndex(
  session: Session,
  postcondition: Postcondition,
  limit: number,
): Promise<void> {
  if (postcondition.kind !== 'index-valid') return;
  const index = await findIndex(session, postcondition);
  if (index && !index.isValid && !index.isBeingBuilt) await dropIndex(session, index, limit);
}

function untold(change: Change, step: number): LockstepError {
  const name = migrationName(change);
  return new LockstepError('LS603', {
    what: `Whether step ${step + 1} of ${name} did its work cannot be told from the catalogs.`,
    state:
      'It was begun, outside a transaction, and its end is not recorded; what came before it in the file is done.',
    remedy: `Look whether its effect is there: if so, \`lockstep stamp ${change.revision}\` records the migration as applied; if not, delete its row from lockstep.journal and run the same command again.`,
    context: { revision: change.revision, step },
  });
}
