/** Which ledgers this release reads and writes: apart from ledger-schema.ts, which most starts do not need. */
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';

export const LAYOUT = 1;

/** Throws LS307. */
export function refuseNewerLayout(layout: string | null | undefined): void {
  if (Number(layout) === LAYOUT) return;
  throw new LockstepError('LS307', {
    what: `The ledger has layout ${layout}, and this Lockstep knows none above ${LAYOUT}.`,
    state: NOTHING_CHANGED,
    remedy: 'Use a release of Lockstep that is at least as new as the one that wrote the ledger.',
    context: { layout: Number(layout) },
  });
}
