import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import type { CommandEnd, StopReason } from './command.ts';
import { type HistoryChange, historyInWords } from './history-change.ts';

/** Undefined changes: the history could not be read. */
type Changes = readonly HistoryChange[] | undefined;

/** It ended by itself, and not well. The exit code is passed on. */
export function commandFailed(
  name: string,
  { exitCode, signal }: CommandEnd,
  changes: Changes,
): LockstepError {
  const how = signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
  return new LockstepError('LS801', {
    what: `${name} ended ${how}.`,
    state: stateAfter(changes),
    remedy:
      'Its own output says why: mend that as its own documentation tells, and run the same command again.',
    context: { command: name, exitCode, signal },
    exitCode,
  });
}

/** It was told to end, and has. */
export function commandStopped(name: string, reason: StopReason, changes: Changes): LockstepError {
  const details = {
    state: stateAfter(changes),
    remedy: 'Look at its own history, then run the same command again; it is not repeated by itself.',
    context: { command: name },
  };
  switch (reason.kind) {
    case 'interrupted':
      return new LockstepError('LS605', { ...details, what: `Interrupted: ${name} was ended.` });
    case 'out-of-time':
      return new LockstepError('LS802', {
        ...details,
        what: `${name} was ended, because it had not finished after ${reason.limitMs / 1_000} s.`,
      });
    case 'lost':
      return new LockstepError('LS802', { ...details, what: `${name} was ended, because ${reason.why}` });
    default:
      return reason satisfies never;
  }
}

/** Of a run that was asked for twice: what the first one does, its own record says. */
export const alreadyBegun = (run: string): LockstepError =>
  new LockstepError('LS806', {
    what: `The command of the run ${run} has been begun already.`,
    state: 'This attempt changed nothing.',
    remedy: 'See with `lockstep runs show` how it ended; a new run begins it again.',
    context: { run },
  });

/** Lockstep makes no plan of what another migrator would do. @param asked as the input names it: toRevision, phase */
export const notForCommands = (name: string, asked: readonly string[]): LockstepError =>
  new LockstepError('LS804', {
    what: `The run was asked with ${asked.join(' and ')}, which ${name} knows nothing of.`,
    state: NOTHING_CHANGED,
    remedy: 'Start a run without it, or change the command that the construct has.',
    context: { command: name },
  });

/** Its task has ended, and nobody recorded how. @param why as ECS describes it */
export const endedWithoutAWord = (
  name: string,
  hadBegun: boolean,
  why: string | undefined,
  changes: Changes,
): LockstepError => {
  const when = hadBegun ? `while ${name} ran` : `before ${name} had begun`;
  return new LockstepError('LS805', {
    what: `The task ended ${when}, and without a word: ${why ?? 'nobody knows why'}.`,
    state: hadBegun ? stateAfter(changes) : NOTHING_CHANGED,
    remedy: hadBegun
      ? "Look at the task's log and at the tool's own history, then start a new run; it is not repeated by itself."
      : "Look at the task's log and at its stopped reason in ECS, then start a new run.",
    context: { command: name },
  });
};

/** It ended well, but the lock was not seen to be held until then. */
export const endNotRecorded = (name: string, changes: Changes, cause: LockstepError): LockstepError =>
  new LockstepError('LS802', {
    what: `${name} has finished, but that could not be recorded: ${cause.what}`,
    state: stateAfter(changes),
    remedy: 'Run the same command again: it should find nothing left to do.',
    context: { command: name, cause: cause.code },
    cause,
  });

/** `code`: ENOENT, EACCES, …, and no more of it: the message and the fields of Node's error repeat what was typed. */
export const commandNotStarted = (name: string, code: string): LockstepError =>
  new LockstepError('LS803', {
    what: `${name} could not be started: ${code}.`,
    state: NOTHING_CHANGED,
    remedy: 'Correct the command behind `--`, or install it where this process finds it (PATH).',
    context: { command: name, cause: code },
  });

/**
 * Has what names of programs hardly have, and lines of a shell, variables and addresses do. What is typed there may hold
 * a password, and a program's name is recorded: such a one is only started if it is there.
 */
export const isDoubtfulProgram = (program: string): boolean => /[\s=@:]/.test(program);

/** Without the text. */
export const notAProgram = (): LockstepError =>
  new LockstepError('LS102', {
    what: 'The first word behind `--` is not a program: it has blanks, or is a variable or an address, and there is no such file. It is not repeated here, because it may hold a password.',
    state: NOTHING_CHANGED,
    remedy: 'Give program and arguments as separate words; set variables before `lockstep`.',
  });

/** What is true of the database when it has ended, however. */
export function stateAfter(changes: Changes): string {
  if (changes === undefined)
    return 'What it left is what its own history says, which could not be read here.';
  if (changes.length === 0)
    return 'No history table that Lockstep knows was changed; a migration that it had begun is as it left it.';
  return `Its own history was changed (${historyInWords(changes)}); a migration that it had begun is as it left it.`;
}
