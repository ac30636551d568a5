import { type Change, type JournalStep, runBatches } from '../adapters/postgres/index.ts';
import { estimate } from '../core/backfill/index.ts';
import { migrationName, type Step } from '../core/plan/index.ts';
import type { Attempt } from './attempt.ts';
import type { Progress } from './run-change.ts';
import { patienceOf } from './step-locks.ts';

/** An observer is told now and then; a batch takes a fraction of it. */
const TELL_EVERY_MS = 2_000;

/**
 * Walks a back-fill's table, on from where an earlier attempt stopped; false when the time was over before the end.
 * Throws what a step throws, and LS609.
 */
export function backfill(
  attempt: Attempt,
  change: Change,
  step: Extract<Step, { kind: 'batches' }>,
  begun: JournalStep | undefined,
  progress: Progress,
): Promise<boolean> {
  const { session, clock, on, timeLeftMs } = attempt;
  const migration = migrationName(change);
  const startedMs = clock.nowMs();
  const before = begun?.keys ?? 0;
  let toldMs = startedMs;
  return runBatches(session, change, step, begun, {
    timeLeftMs,
    ...patienceOf(attempt, change),
    onBatch: ({ keys, tableKeys, size }) => {
      progress.stepsDone += 1;
      const nowMs = clock.nowMs();
      if (nowMs - toldMs < TELL_EVERY_MS) return;
      toldMs = nowMs;
      const walked = { keys, tableKeys, attemptMs: nowMs - startedMs, attemptKeys: keys - before };
      on({ kind: 'backfill-progress', migration, keys, ...estimate(walked), batchSize: size });
    },
    onPause: (reason) => {
      // To wait for a person is no failure: the next call goes on waiting.
      progress.stepsDone += 1;
      on({ kind: 'backfill-paused', migration, reason });
    },
  });
}
