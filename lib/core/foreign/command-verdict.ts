/**
 * How the run of a workflow ended whose migrator is a foreign command, from what its task has recorded in the ledger.
 *
 * "Nothing pending" is not known beforehand: the command is always run, and its history says afterwards whether there was
 * anything to do. The command's exit code decides between roll out and roll back; the history is for people.
 */
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { type RecordedRun, recordedError } from '../rollout/task-end.ts';
import type { Verdict } from '../rollout/verdict.ts';
import { nameList, type RunFacts, verdictOf } from '../rollout/verdict-shape.ts';
import { endedWithoutAWord, stateAfter } from './command-errors.ts';
import { type HistoryChange, historyInWords } from './history-change.ts';

/** A run's row in the ledger, if it has one: from when its command is begun on. */
export type CommandRun = RecordedRun & { readonly histories: readonly HistoryChange[] | null };

/** What a command's run is recorded with when it has begun. */
const OWN_ENDS: readonly string[] = ['LS605', 'LS801', 'LS802', 'LS803'];

/**
 * Undefined when it ended well. Never an error of which the workflow would make a new plan, or that it would try again:
 * the command may have begun.
 * @param why the task ended, as ECS describes it
 */
export function commandFailure(
  name: string,
  record: CommandRun | null,
  why: string | undefined,
): LockstepError | undefined {
  if (record?.verdict === 'applied') return undefined;
  const changes = record?.histories ?? undefined;
  const error = recordedError(record);
  if (!error || !OWN_ENDS.includes(error.code))
    return endedWithoutAWord(name, record !== null, record?.error ?? why, changes);
  return new LockstepError(error.code, {
    what: error.what,
    state: stateAfter(changes),
    remedy:
      "The task's log has the tool's own output: mend that as its own documentation tells, then start a new run.",
    context: { command: name },
  });
}

/** Of one that ended well. */
export function commandVerdict(facts: RunFacts, name: string, { histories }: CommandRun): Verdict {
  const added = histories?.flatMap((history) => history.added) ?? [];
  const isUnchanged = histories?.length === 0;
  return verdictOf(facts, {
    outcome: isUnchanged ? 'nothing-pending' : 'applied',
    signal: 'ROLL_OUT',
    applied: nameList(added),
    message: `${name} ended well${whatChanged(histories)}.`,
    state: isUnchanged
      ? `Nothing was changed, as far as history tables show that Lockstep knows.`
      : `The database is as ${name} left it.`,
    next: 'Roll out.',
  });
}

function whatChanged(histories: readonly HistoryChange[] | null): string {
  if (histories === null) return '; its history could not be read';
  if (histories.length === 0) return ' and changed no history table that Lockstep knows';
  return ` (${historyInWords(histories)})`;
}

/** Nothing was looked at. */
export const commandDryRun = (facts: RunFacts, name: string): Verdict =>
  verdictOf(facts, {
    outcome: 'dry-run',
    signal: 'NONE',
    message: `Dry run: ${name} would be run, and what it would do only it knows.`,
    state: NOTHING_CHANGED,
    next: 'Start a run without dryRun to run it.',
  });
