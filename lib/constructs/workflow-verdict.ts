import { ErrorName } from '../core/errors/catalogue.ts';

const WHAT_HAPPENED =
  "States.Format('The run failed ({}) and its roll back did not finish ({}).', $.error.Error, $.rollBackError.Error)";

/**
 * The verdict when the roll back itself did not finish: the shape is that of verdictSchema (a test holds the two
 * together), made of nothing but the context object and the two errors' names. It claims nothing about the
 * database but how to find out.
 */
export const unfinishedVerdict = (target: string) => ({
  'run.$': '$$.Execution.Name',
  target,
  outcome: 'failed',
  signal: 'ROLL_BACK',
  applied: [],
  appliedCount: 0,
  notApplied: [],
  notAppliedCount: 0,
  reverted: [],
  restorePoint: null,
  bundleDigest: '',
  durationMs: 0,
  slowest: [],
  error: { 'name.$': '$.error.Error', code: 'LS901', 'message.$': WHAT_HAPPENED },
  'message.$': WHAT_HAPPENED,
  state: 'Each migration is applied whole or not at all, but this verdict cannot say which are.',
  next: 'Run lockstep status to see which are applied, then start the run again.',
});

const UNHEALTHY =
  "States.Format('The roll-out after the run {} was unhealthy ({}), and what was to be done about it did not finish ({}).', $.followed.id, $.rollOut.reason, $.rollBackError.Error)";

/** The same when that happens after a roll-out that was unhealthy. */
export const unfinishedSendingBack = (target: string) => ({
  ...unfinishedVerdict(target),
  'run.$': '$.followed.id',
  error: { name: ErrorName.RollOut, code: 'LS706', 'message.$': UNHEALTHY },
  'message.$': UNHEALTHY,
  next: 'Look which version runs, and run lockstep status to see what is applied.',
});
