import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';

export const unknownRun = (runId: string): LockstepError =>
  new LockstepError('LS504', {
    what: `The ledger knows no run ${runId}.`,
    state: NOTHING_CHANGED,
    remedy: 'Give one that exists: `lockstep runs` lists them.',
    context: { run: runId },
  });
