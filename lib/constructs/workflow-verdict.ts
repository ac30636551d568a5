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
