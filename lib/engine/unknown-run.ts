import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';

export const unknownRun = (runId: string): LockstepError =>
  new LockstepError('LS504', {
    what: `The ledger knows no run ${runId}.`,
    state: NOTHING_CHANGED,
    remedy:
      'Give one that exists: `lockstep runs` lists them. One that had nothing to do wrote nothing, and what it printed is all there is.',
    context: { run: runId },
  });
