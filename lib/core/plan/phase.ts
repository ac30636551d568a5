/**
 * Runs that are limited to a phase. `expand` prepares a roll-out: it applies expand and back-fill migrations, and
 * goes past contract ones. `contract` ends it: it applies contract migrations, once everything below them is there.
 *
 * Within a phase the order of the revisions is kept; between contract migrations and the others it is not.
 * docs/phases.md says what that asks of the author.
 */
import type { Phase } from './bundle.ts';
import { compareRevisions } from './revision.ts';

export const RUN_PHASES = ['expand', 'contract'] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

const isContract = ({ phase }: { readonly phase: Phase }): boolean => phase === 'contract';

/** Whether a run that was asked for this phase, or for none, applies the migration. */
export const belongsTo = (migration: { readonly phase: Phase }, asked: RunPhase | undefined): boolean =>
  asked === undefined || isContract(migration) === (asked === 'contract');

interface Placed {
  readonly revision: string;
  readonly phase: Phase;
}

/** Of a run that is limited to contract: the first pending migration that has to come before one of these. */
export function unprepared<Pending extends Placed>(pending: readonly Pending[]): Pending | undefined {
  const last = pending.findLastIndex(isContract);
  return pending.slice(0, Math.max(0, last)).find((p) => !isContract(p));
}

/**
 * Tells of a pending migration which applied one above it makes it too late: the highest of all for expand and
 * back-fills; for contract the highest contract only, because it may have been held back while others expanded.
 */
export function overtaking<Applied extends Placed>(
  applied: readonly Applied[],
): (migration: Placed) => Applied | undefined {
  const [any, contract] = [highest(applied), highest(applied.filter(isContract))];
  return (migration) => {
    const above = isContract(migration) ? contract : any;
    return above && compareRevisions(above.revision, migration.revision) > 0 ? above : undefined;
  };
}

const highest = <One extends Placed>(all: readonly One[]): One | undefined =>
  all.reduce<One | undefined>(
    (max, e) => (max && compareRevisions(max.revision, e.revision) > 0 ? max : e),
    undefined,
  );
