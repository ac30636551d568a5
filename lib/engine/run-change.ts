/** Running a change, step by step; what an earlier attempt did of it is found in the journal and gone on with. */
import {
  type Change,
  type JournalStep,
  readJournal,
  runAlone,
  settleStarted,
  stampEntries,
  stepSha256,
} from '../adapters/postgres/index.ts';
import { LockstepError } from '../core/errors/index.ts';
import { type LedgerState, migrationName, type Step } from '../core/plan/index.ts';
import type { Ahead } from './ahead.ts';
import type { Attempt } from './attempt.ts';
import { hasTime, outOfTime } from './attempt-time.ts';
import { backfill } from './backfill.ts';
import { isBegun } from './changes.ts';
import { withBlockers } from './name-blockers.ts';
import { runPatiently } from './step-locks.ts';
import { tellProgress } from './step-progress.ts';
import type { Look } from './watch.ts';

export interface Progress {
  /** What an attempt has done, steps and batches: with nothing, there is no sense in calling again for more … */
  stepsDone: number;
  /** … unless the next call is made where a step may take longer. */
  readonly mayEndIdle: boolean;
  /** Undefined where each message waits for the answer to the one before. */
  readonly ahead?: Ahead | undefined;
}

const mayEnd = ({ stepsDone, mayEndIdle }: Progress): boolean => stepsDone > 0 || mayEndIdle;

/**
 * Whether the change was made whole; false when the time was over, with progress made.
 * Throws LS301, LS402, LS403, LS501, LS601 to LS610.
 */
export async function runChange(
  attempt: Attempt,
  change: Change,
  ledger: LedgerState,
  progress: Progress,
): Promise<boolean> {
  const startedMs = attempt.clock.nowMs();
  const journal = await journalOf(attempt, change, ledger);
  // The file was cut off above a statement that was begun.
  for (const begun of journal.filter((row) => row.step >= change.steps.length)) {
    await settle(attempt, change, begun);
  }
  for (const step of change.steps) {
    const begun = journal.find((row) => row.step === step.index);
    if (begun?.state === 'done') continue;
    attempt.throwIfEnded();
    if (!hasTimeFor(attempt, progress)) return false;
    attempt.on({
      kind: 'step-started',
      migration: migrationName(change),
      direction: directionOf(change),
      step: step.index + 1,
      steps: change.steps.length,
    });
    try {
      const run = () => runStep(attempt, change, step, begun, progress);
      const { around, session } = attempt;
      if (!(await (around ? around(change, step, session.facts.pid, run) : run()))) return false;
    } catch (error) {
      const explained = withBlockers(await attempt.explain(error), step, attempt.watch.blockers);
      if (OUT_OF_TIME.includes(explained.code) && !hasTime(attempt) && mayEnd(progress)) return false;
      throw explained;
    }
    progress.stepsDone += 1;
  }
  // The file was cut short after a part of it had run: what it has now is all done.
  if (journal.find((row) => row.step === change.steps.length - 1)?.state === 'done') {
    await stampEntries(attempt.session, [change]);
  }
  const durationMs = attempt.clock.nowMs() - startedMs;
  attempt.on({
    kind: 'migration-done',
    migration: migrationName(change),
    direction: directionOf(change),
    durationMs,
  });
  return true;
}

/** A step that only needs another attempt, with time of its own. */
const OUT_OF_TIME: readonly string[] = ['LS604', 'LS610'];

const directionOf = ({ kind }: Change) => (kind === 'reverted' ? 'down' : 'up');

function hasTimeFor(attempt: Attempt, progress: Progress): boolean {
  if (hasTime(attempt)) return true;
  if (mayEnd(progress)) return false;
  throw outOfTime();
}

/** False when the time was over in the middle, after some batches. */
async function runStep(
  attempt: Attempt,
  change: Change,
  step: Step,
  begun: JournalStep | undefined,
  progress: Progress,
): Promise<boolean> {
  const { session, watch } = attempt;
  watch.saw([]);
  const watched = <T>(work: () => Promise<T>, look?: Look) =>
    watch.during({ migration: migrationName(change), pid: session.facts.pid, look }, work);
  if (step.kind === 'batches') return watched(() => backfill(attempt, change, step, begun, progress));
  if (step.kind === 'alone') {
    await watched(() => runLone(attempt, change, step, begun), tellProgress(attempt, change, step));
    return true;
  }
  if (begun && (await settle(attempt, change, begun)) === 'done') return true;
  await runPatiently(attempt, change, step, progress.ahead);
  return true;
}

async function runLone(
  attempt: Attempt,
  change: Change,
  step: Extract<Step, { kind: 'alone' }>,
  begun: JournalStep | undefined,
): Promise<void> {
  if (begun && (await settle(attempt, change, begun)) === 'done') return;
  await runAlone(attempt.session, change, step, attempt);
}

/** Throws LS501 when the statement that was begun is done, and the file has another one in its place. */
async function settle(attempt: Attempt, change: Change, begun: JournalStep): Promise<'done' | 'undone'> {
  // A back-fill that is half done, and the file has no back-fill in its place any more.
  if (begun.keys > 0) throw editedBelow(change, begun.step);
  const { outcome, how } = await settleStarted(attempt.session, change, begun, attempt);
  if (outcome === 'edited') throw editedBelow(change, begun.step);
  attempt.on({ kind: 'step-healed', migration: migrationName(change), step: begun.step + 1, how });
  return outcome;
}

/** What an earlier attempt did of this change. Throws LS501 when the file was edited above the place where it goes on. */
async function journalOf(
  attempt: Attempt,
  change: Change,
  { partial }: LedgerState,
): Promise<readonly JournalStep[]> {
  // One transaction: there is nothing to go on with.
  if (change.kind === 'repeatable') return [];
  if (!isBegun(change, partial)) return [];
  const journal = await readJournal(attempt.session, change);
  const edited = journal.find((row) => row.state === 'done' && row.sha256 !== sha256At(change, row.step));
  if (edited) throw editedBelow(change, edited.step);
  return journal;
}

function sha256At(change: Change, index: number): string | undefined {
  const step = change.steps[index];
  return step && stepSha256(change, step);
}

const editedBelow = (change: Change, step: number): LockstepError =>
  new LockstepError('LS501', {
    what: `${migrationName(change)} was edited in step ${step + 1}, which is done already.`,
    state: 'The steps before the one that failed are done and recorded; the others are not.',
    remedy: 'Restore that part of the file; what is below it may be edited.',
    context: { revision: change.revision, step },
  });
