/**
 * A foreign command under the lease, the advisory lock and the fence, as a migration of our own would be.
 *
 * Invariants
 * - It runs only while this attempt holds everything; when the lease or the session is lost, it is ended with all its
 *   processes before the attempt is. What a transaction of its own has begun meanwhile is its server session's business,
 *   which is ended too if it bears our name (PGAPPNAME).
 * - It is never repeated once it has begun. A migration of ours may be, because the ledger tells what it had done; what
 *   a foreign command had done only its own tool can tell, and some of them refuse to go on until somebody has looked.
 *   So from its start on nothing is thrown here: how it ended is a result, which `runExclusively` does not try again.
 *
 * Who is authoritative: its exit code. What can fail: LS801 to LS803, LS605, LS806, and before it has begun what `migrate`
 * fails with.
 */

import { readForeignHistories } from '../adapters/postgres/foreign-history.ts';
import {
  attemptName,
  endSessions,
  finishRun,
  noteCommand,
  readRun,
  type Session,
  startRun,
} from '../adapters/postgres/index.ts';
import { asLockstepError, type LockstepError } from '../core/errors/index.ts';
import {
  alreadyBegun,
  type CommandEnd,
  commandFailed,
  commandStopped,
  endNotRecorded,
  type ForeignCommand,
  type ForeignHistory,
  type HistoryChange,
  historyChanges,
  historyInWords,
  type RunningCommand,
  type StopReason,
} from '../core/foreign/index.ts';
import type { RestoreRecord } from '../core/restore-point/index.ts';
import { recordFailure } from './apply.ts';
import { type Attempt, withAttempt } from './attempt.ts';
import { type Admission, type ExclusiveOptions, runExclusively } from './exclusively.ts';
import { guarded } from './guarded.ts';
import { LOOK, withSession } from './open-session.ts';
import { endRunSessions } from './operate.ts';
import { refuseReadOnly } from './planning.ts';
import type { AttemptOptions } from './types.ts';

interface Work {
  readonly command: ForeignCommand;
  /** How long it may take from its start; absent: without a limit. */
  readonly timeoutMs?: number | undefined;
}

export type ExecOptions = ExclusiveOptions & Work;

/** Of a run that holds the lease already, and may be asked for more than once. */
export type ExecInRunOptions = AttemptOptions &
  Work & {
    readonly restorePoint: string | null;
    readonly restoreRecord?: RestoreRecord | undefined;
  };

export interface ExecResult {
  readonly exitCode: number;
  /** Why it does not count as applied; undefined if it does. */
  readonly error: LockstepError | undefined;
  /** Of history tables that Lockstep knows; undefined when they could not be read. */
  readonly changes: readonly HistoryChange[] | undefined;
  readonly durationMs: number;
  readonly waitedMs: number;
  readonly token: number;
  readonly tookOverFrom: string | null;
}

/** Throws LS305, LS803, LS3xx and LS40x before the command has begun; afterwards its result has the error. */
export const exec = (options: ExecOptions): Promise<ExecResult> =>
  runExclusively<ExecResult>(options, {
    async look(session) {
      refuseReadOnly(session);
      return undefined;
    },
    work: (attempt, admission) => execute(attempt, admission, options),
  });

/**
 * One attempt under the lease that the run holds. A run has one command, which is begun once, whoever starts this again:
 * LS806 then. Throws LS305, LS803, LS3xx and LS40x before the command has begun; afterwards its result has the error.
 */
export async function execInRun(options: ExecInRunOptions): Promise<ExecResult> {
  const { runId } = options;
  // Before a token is minted, which would end the one that runs.
  await withSession(options, LOOK, async (session) => {
    refuseReadOnly(session);
    await refuseBegun(session, runId);
  });
  const { durationMs: leaseDurationMs } = options.lease;
  return withAttempt(options, undefined, async (attempt) => {
    await refuseBegun(attempt.session, runId);
    return execute(attempt, { waitedMs: 0 }, { ...options, leaseDurationMs });
  });
}

async function refuseBegun(session: Session, runId: string): Promise<void> {
  if (await readRun(session, runId)) throw alreadyBegun(runId);
}

type Execution = Pick<ExclusiveOptions, 'leaseDurationMs' | 'clock' | 'database'> &
  Work &
  Partial<Pick<ExecInRunOptions, 'restorePoint' | 'restoreRecord'>>;

async function execute(
  attempt: Attempt,
  { waitedMs, tookOverFrom }: Pick<Admission, 'waitedMs' | 'tookOverFrom'>,
  options: Execution,
): Promise<ExecResult> {
  const { clock, token, on } = attempt;
  const { command } = options;
  const before = await readForeignHistories(attempt.session);
  const running = await start(attempt, options);
  const startedMs = clock.nowMs();
  on({ kind: 'command-started', command: command.name });
  const { end, stopped } = await guarded(attempt, running, {
    ...options,
    onStop: (reason) => on({ kind: 'command-stopping', command: command.name, reason }),
  });
  const durationMs = clock.nowMs() - startedMs;
  if (stopped) await endItsSessions(attempt, options);
  const changes = await changesSince(attempt, before);
  const error = await record(attempt, command, { end, stopped, changes });
  const { exitCode } = end;
  return { exitCode, error, changes, durationMs, waitedMs, token, tookOverFrom: tookOverFrom ?? null };
}

/** The run is recorded before, so that it shows while the command runs. */
async function start(
  attempt: Attempt,
  { command, restorePoint = null, restoreRecord }: Execution,
): Promise<RunningCommand> {
  const { session, runId, holder, token } = attempt;
  await startRun(session, {
    runId,
    holder,
    token,
    bundleDigest: '',
    restorePoint,
    restoreRecord,
    command: command.name,
  });
  try {
    attempt.throwIfEnded();
    return await command.start({
      LOCKSTEP_RUN: runId,
      LOCKSTEP_TOKEN: String(token),
      PGAPPNAME: attemptName(token, runId),
    });
  } catch (error) {
    await recordFailure(attempt, asLockstepError(error));
    throw error;
  }
}

const CONNECT_MS = 5_000;

/** A server goes on with a statement whose client is gone. That a session cannot be found or ended says less than why it should. */
async function endItsSessions({ session, runId }: Attempt, options: Execution): Promise<void> {
  const { clock } = options;
  const database = { ...options.database, connectBudgetMs: CONNECT_MS };
  const ending = session.isLost ? endRunSessions({ database, clock }, runId) : endSessions(session, runId);
  await ending.catch(() => undefined);
}

async function changesSince(
  { session }: Attempt,
  before: readonly ForeignHistory[] | undefined,
): Promise<readonly HistoryChange[] | undefined> {
  const after = await readForeignHistories(session).catch(() => undefined);
  return before && after && historyChanges(before, after);
}

interface Ended {
  readonly end: CommandEnd;
  readonly stopped: StopReason | undefined;
  readonly changes: readonly HistoryChange[] | undefined;
}

/** Gives why it does not count as applied. */
async function record(
  attempt: Attempt,
  { name }: ForeignCommand,
  { end, stopped, changes }: Ended,
): Promise<LockstepError | undefined> {
  const words = changes && changes.length > 0 ? `${name} (${historyInWords(changes)})` : name;
  const error = stopped
    ? commandStopped(name, stopped, changes)
    : end.exitCode === 0
      ? undefined
      : commandFailed(name, end, changes);
  try {
    if (!attempt.session.isLost) await noteCommand(attempt.session, attempt, words, changes);
    if (error) await recordFailure(attempt, error);
    else await finishRun(attempt.session, attempt, 'applied');
    return error;
  } catch (cause) {
    return error ?? endNotRecorded(name, changes, asLockstepError(cause));
  }
}
