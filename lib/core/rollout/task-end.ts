/**
 * How a task of long work ended. Step Functions tells only that its container did; what the migration failed with is
 * in the ledger, where the task's attempt wrote it, and is as good there as what a function throws.
 */
import { CATALOGUE, type ErrorCode, LockstepError } from '../errors/index.ts';
import { MOST_TASKS } from '../workflow/task-container.ts';
import type { RunError } from './caught-error.ts';

/** The run's row in the ledger. */
export interface RecordedRun {
  readonly verdict: 'running' | 'applied' | 'failed' | 'reverted';
  /** `LS601: …`, in one line. */
  readonly error: string | null;
}

const RECORDED = /^(LS\d{3}): ([\s\S]*)$/;

/** Code and words of what a run is recorded to have failed with; undefined where it is not Lockstep's own error. */
export function recordedError(
  record: RecordedRun | null,
): { readonly code: ErrorCode; readonly what: string } | undefined {
  const [, code = '', what = ''] = RECORDED.exec(record?.error ?? '') ?? [];
  return code in CATALOGUE ? { code: code as ErrorCode, what } : undefined;
}

/**
 * The failure that ends the run; undefined when the next attempt may go on: the task is done, was killed before it
 * could write, was stopped by ECS (which retires hosts and reclaims capacity), or failed with what may pass.
 */
export function taskFailure(record: RecordedRun | null): LockstepError | undefined {
  if (record?.verdict !== 'failed') return undefined;
  const error = recordedError(record);
  if (!error || mayGoOn(error.code)) return undefined;
  return new LockstepError(error.code, {
    what: error.what,
    state: 'Migrations that were finished stay; the one in progress was rolled back, or is done in part.',
    remedy: "The task's log has the whole error.",
  });
}

export const mayGoOn = (code: ErrorCode): boolean => CATALOGUE[code].retryable || GOES_ON.includes(code);

/** Interrupted; and what the next attempt finds out by itself: lease lost, stale attempt, stale plan. */
const GOES_ON: readonly ErrorCode[] = ['LS605', 'LS402', 'LS403', 'LS505'];

export interface IdleTasks {
  readonly count: number;
  readonly record: RecordedRun | null;
  /** Why the state failed, if it did. */
  readonly caught: Pick<RunError, 'name' | 'message'> | undefined;
}

/** Throws LS616 when there were too many. */
export function refuseMoreTasks({ count, record, caught }: IdleTasks): void {
  if (count < MOST_TASKS) return;
  const reason = record?.verdict === 'failed' && record.error ? record.error : caught?.message;
  throw new LockstepError('LS616', {
    what: `${count} tasks in a row ended without having finished a migration; the last one: ${reason ?? 'it ended without a word'}`,
    state: 'Migrations that were finished stay; the one in progress was rolled back, or is done in part.',
    remedy: "Look at the task's log and at its stopped reason in ECS, then start a new run.",
    context: { tasks: count },
  });
}

/** ECS's description of the task, which is the Cause when the state failed: why it was stopped, and the exit code. */
export function whyStopped({ Error: name, Cause = '' }: { Error: string; Cause?: string | undefined }) {
  return { name, message: `${describedBy(Cause) ?? (Cause || name)}`.slice(0, LONGEST_REASON) };
}

const LONGEST_REASON = 500;

interface DescribedTask {
  readonly StoppedReason?: string;
  readonly Containers?: readonly { readonly ExitCode?: number; readonly Reason?: string }[];
}

function describedBy(cause: string): string | undefined {
  try {
    const { StoppedReason, Containers: [container] = [] } = JSON.parse(cause) as DescribedTask;
    if (StoppedReason === undefined) return undefined;
    const { ExitCode, Reason } = container ?? {};
    const more = [Reason, ExitCode === undefined ? undefined : `exit code ${ExitCode}`].filter(Boolean);
    return [StoppedReason, ...more].join(', ');
  } catch {
    return undefined;
  }
}
