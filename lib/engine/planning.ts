/** The plan of one database, from its ledger and a source. */
import type { Session } from '../adapters/postgres/index.ts';
import { readInstances } from '../adapters/postgres/instances.ts';
import { readLedger } from '../adapters/postgres/ledger.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type { LedgerState, MigrationSource, OutOfOrderPolicy, RunPhase } from '../core/plan/index.ts';
import { guardContract } from '../core/plan/instance.ts';
import { makePlan } from '../core/plan/plan.ts';
import { editedRepeatables, repeatableName } from '../core/plan/repeatable.ts';
import { compareRevisions, REVISION_PATTERN } from '../core/plan/revision.ts';
import type { PlanResult } from './types.ts';

export interface PlanRequest {
  readonly source: MigrationSource;
  readonly toRevision?: string | undefined;
  readonly phase?: RunPhase | undefined;
  /** As if no instance of the app were alive. */
  readonly forceContract?: boolean | undefined;
  readonly outOfOrder?: OutOfOrderPolicy | undefined;
}

/** Throws LS2xx for an edited file that does not compile, LS3xx, LS504. */
export async function planOn(
  session: Session,
  request: PlanRequest,
  known?: LedgerState,
): Promise<PlanResult> {
  const ledger = known ?? (await readLedger(session));
  const plan = await planOf(ledger, request);
  // Nothing is asked of the database that does not depend on it: mostly nothing is pending.
  if (!plan.pending.some(({ phase }) => phase === 'contract')) return { plan, ledger };
  const guarded = guardContract(plan, await readInstances(session), request.forceContract === true);
  return { plan: guarded, ledger };
}

async function planOf(
  ledger: LedgerState,
  { source, toRevision, phase, outOfOrder }: PlanRequest,
): Promise<PlanResult['plan']> {
  const { catalog, repeatables } = source;
  if (toRevision !== undefined) refuseUnknown(toRevision, catalog);
  const asked = { ledger, catalog, repeatables, toRevision, phase, outOfOrder };
  const plan = makePlan(asked);
  const edited = plan.problems.flatMap((p) => (p.kind === 'drift' ? [p.revision] : []));
  const objects = editedRepeatables(ledger, repeatables).map(({ name }) => name);
  if (edited.length === 0 && objects.length === 0) return plan;
  // Compiled only to learn whether an edit matters: normally nothing is.
  const compiled = edited.length > 0 ? await source.load(edited) : [];
  const compiledObjects = objects.length > 0 ? await source.loadRepeatables(objects) : [];
  const normalized = new Map([
    ...compiled.map((m) => [m.revision, m.up.normalizedSha256] as const),
    ...compiledObjects.map((r) => [repeatableName(r), r.script.normalizedSha256] as const),
  ]);
  return makePlan({ ...asked, normalized });
}

/** Throws LS504 when none of the revisions is the one asked for. */
export function refuseUnknown(asked: string, known: readonly { readonly revision: string }[]): void {
  const isKnown =
    REVISION_PATTERN.test(asked) && known.some((k) => compareRevisions(k.revision, asked) === 0);
  if (isKnown) return;
  throw new LockstepError('LS504', {
    what: `There is no revision ${asked}.`,
    state: NOTHING_CHANGED,
    remedy: 'Give one that exists: `lockstep plan` and `lockstep history` list them.',
    context: { revision: asked },
  });
}

/** Throws LS305 before anything is tried on a server that would refuse it half-way. */
export function refuseReadOnly({ facts }: Session): void {
  if (!facts.readOnly) return;
  throw new LockstepError('LS305', {
    what: `The database ${facts.database} is read-only for this login: it is a replica, or default_transaction_read_only is on.`,
    state: NOTHING_CHANGED,
    remedy: "Connect to the writer's address, or with a login that may write.",
  });
}

/** Throws LS607: going forward from a revert that is half done would build on a schema that no file describes. */
export function refuseHalfReverted({ partial }: LedgerState): void {
  const half = partial.find((p) => p.direction === 'down');
  if (!half) return;
  throw new LockstepError('LS607', {
    what: `The revert of ${half.migration} is half done.`,
    state: 'Some statements of its down script are done, the others are not.',
    remedy: 'Finish it with `lockstep down -1`, then run the same command again.',
    context: { revision: half.revision },
  });
}
