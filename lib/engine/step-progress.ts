/** Tells an observer how far a statement is that takes long: an index build, a VACUUM. */
import { type Change, commandProgress } from '../adapters/postgres/index.ts';
import { migrationName, type Step } from '../core/plan/index.ts';
import type { Attempt } from './attempt.ts';
import type { Look } from './watch.ts';

/** A log should neither fill nor look dead. */
const TELL_EVERY_MS = 10_000;

/** Each new phase is told at once. */
export function tellProgress(attempt: Attempt, change: Change, step: Step): Look {
  const { session, clock, on } = attempt;
  const migration = migrationName(change);
  let told = { phase: '', atMs: 0 };
  return async (second) => {
    const progress = await commandProgress(second, session.facts.pid);
    const nowMs = clock.nowMs();
    if (!progress || (progress.phase === told.phase && nowMs - told.atMs < TELL_EVERY_MS)) return;
    told = { phase: progress.phase, atMs: nowMs };
    on({ kind: 'step-progress', migration, step: step.index + 1, progress });
  };
}
