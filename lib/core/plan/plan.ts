import { type Abandoned, findAbandoned } from './abandoned.ts';
import { type CatalogEntry, migrationName, type RepeatableEntry } from './catalog.ts';
import type { AppInstance } from './instance.ts';
import { type CurrentEntry, isApplied, type LedgerState } from './ledger-state.ts';
import type { OutOfOrderPolicy } from './out-of-order.ts';
import { belongsTo, overtaking, type RunPhase, unprepared } from './phase.ts';
import { type PendingRepeatable, pendingRepeatables, repeatableName } from './repeatable.ts';
import { compareRevisions, revisionKey } from './revision.ts';

export interface PendingMigration {
  readonly revision: string;
  readonly slug: string;
  readonly phase: CatalogEntry['phase'];
  /** The ordinal that its ledger entry will have. */
  readonly ordinal: number;
}

/** An applied file whose exact checksum differs from the ledger's. */
export interface EditedMigration {
  readonly revision: string;
  readonly slug: string;
  readonly ledgerNormalizedSha256: string;
}

export type PlanProblem =
  /** Half applied, and not in the bundle. */
  | ({ readonly kind: 'abandoned' } & Abandoned)
  | { readonly kind: 'drift'; readonly revision: string; readonly slug: string }
  | {
      readonly kind: 'gap';
      readonly revision: string;
      readonly slug: string;
      readonly highestApplied: string;
    }
  | { readonly kind: 'missing'; readonly revision: string; readonly slug: string }
  /** Pending, and not of the phase that was asked for, below one that is. */
  | { readonly kind: 'unprepared'; readonly revision: string; readonly slug: string }
  /** A contract migration, and the instances of the app that may need what it takes away. */
  | {
      readonly kind: 'needed';
      readonly revision: string;
      readonly slug: string;
      readonly by: readonly AppInstance[];
    };

export type Gap = Extract<PlanProblem, { kind: 'gap' }>;

export type PlanOutcome = 'nothing-pending' | 'ahead' | 'pending' | 'refused';

export interface Plan {
  readonly outcome: PlanOutcome;
  readonly pending: readonly PendingMigration[];
  /** Objects to apply after them. */
  readonly repeatables: readonly PendingRepeatable[];
  /** Contract migrations that are pending too, and left for a run that may apply them. */
  readonly heldBack: readonly PendingMigration[];
  /** Live instances of the app that may need what the plan takes away; see `guardContract`. */
  readonly inTheWay: readonly AppInstance[];
  readonly appliedCount: number;
  /** Those of `pending` that run after higher ones, which is allowed here; refused, they are problems. */
  readonly outOfOrder: readonly Gap[];
  /** Applied revisions above the bundle's highest. */
  readonly ahead: readonly CurrentEntry[];
  /** Half applied, above the bundle's highest, with nothing pending. */
  readonly halfAhead: readonly Abandoned[];
  readonly cosmetic: readonly EditedMigration[];
  readonly problems: readonly PlanProblem[];
  /** The ledger that this plan was made from; see `isStale`. */
  readonly lastEntryId: string;
}

export interface PlanRequest {
  readonly ledger: LedgerState;
  readonly catalog: readonly CatalogEntry[];
  readonly repeatables?: readonly RepeatableEntry[];
  /** Apply up to and including this revision; everything if absent. */
  readonly toRevision?: string | undefined;
  /** Only migrations of this phase; all if absent. Repeatable objects belong to expand. */
  readonly phase?: RunPhase | undefined;
  /** Default `refuse`. */
  readonly outOfOrder?: OutOfOrderPolicy | undefined;
  /**
   * Normalised checksums of the edited files, by revision as the bundle writes it, or `R_<name>`. A migration whose exact
   * checksum is another one than the ledger's is `drift` without it; it tells whether the edit matters.
   */
  readonly normalized?: ReadonlyMap<string, string> | undefined;
}

/** A migration of the catalog, and what the ledger has of it. */
interface Pair {
  readonly entry: CatalogEntry;
  readonly known: CurrentEntry | undefined;
}

export function makePlan(request: PlanRequest): Plan {
  const { ledger, catalog, toRevision, phase, normalized = new Map(), outOfOrder = 'refuse' } = request;
  const applied = ledger.current.filter(isApplied);
  const pairs = inPairs(ledger, catalog);
  const { wanted: unapplied, above } = findUnapplied(pairs, toRevision);
  const pending = unapplied.filter((p) => belongsTo(p, phase));
  const edited = findEdited(pairs);
  const isCosmetic = (e: EditedMigration) => normalized.get(e.revision) === e.ledgerNormalizedSha256;
  const abandoned = findAbandoned(ledger.partial, catalog, pending.length > 0);
  const gaps = findGaps(pending, applied);
  const ahead = applied.filter((e) => isAbove(e.revision, catalog.at(-1)?.revision));
  const isAhead = ahead.length > 0 || abandoned.halfAhead.length > 0;
  const repeatables =
    isAhead || above || phase === 'contract'
      ? []
      : pendingRepeatables(ledger, request.repeatables ?? [], normalized);
  const problems = [
    ...edited.filter((e) => !isCosmetic(e)).map(asDrift),
    ...(outOfOrder === 'refuse' ? gaps : []),
    ...findMissing(pairs, applied),
    ...abandoned.problems,
    ...(phase === 'contract' ? findUnprepared(unapplied) : []),
  ];
  return {
    outcome: outcomeOf(problems, [...pending, ...repeatables], ahead),
    pending,
    repeatables,
    outOfOrder: outOfOrder === 'allow' ? gaps : [],
    heldBack: phase === 'expand' ? unapplied.filter((p) => p.phase === 'contract') : [],
    inTheWay: [],
    appliedCount: applied.length,
    ahead,
    halfAhead: abandoned.halfAhead,
    cosmetic: edited.filter(isCosmetic),
    problems,
    lastEntryId: ledger.lastEntryId,
  };
}

/** Each revision is looked up once: every start does that with all there are. */
function inPairs({ current }: LedgerState, catalog: readonly CatalogEntry[]): Pair[] {
  const entries = new Map(current.map((e) => [revisionKey(e.revision), e]));
  return catalog.map((entry) => ({ entry, known: entries.get(revisionKey(entry.revision)) }));
}

function findEdited(pairs: readonly Pair[]): EditedMigration[] {
  return pairs.flatMap(({ entry, known }) => {
    // An entry that was stamped without a file has no checksum to compare with.
    if (!known || !isApplied(known) || known.sha256 === entry.sha256 || known.sha256 === '') return [];
    const { revision, slug } = entry;
    return [{ revision, slug, ledgerNormalizedSha256: known.normalizedSha256 }];
  });
}

/** In `wanted` those up to the revision that was asked for; `above`: whether there are any above it. */
function findUnapplied(
  pairs: readonly Pair[],
  toRevision: string | undefined,
): {
  readonly wanted: readonly PendingMigration[];
  readonly above: boolean;
} {
  const unapplied = pairs.flatMap(({ entry: { revision, slug, phase }, known }) =>
    known && isApplied(known) ? [] : [{ revision, slug, phase, ordinal: (known?.ordinal ?? 0) + 1 }],
  );
  const wanted = unapplied.filter(({ revision }) => !isAbove(revision, toRevision));
  return { wanted, above: wanted.length < unapplied.length };
}

const asDrift = ({ revision, slug }: EditedMigration): PlanProblem => ({ kind: 'drift', revision, slug });

function outcomeOf(
  problems: readonly unknown[],
  pending: readonly unknown[],
  ahead: readonly unknown[],
): PlanOutcome {
  if (problems.length > 0) return 'refused';
  if (pending.length > 0) return 'pending';
  return ahead.length > 0 ? 'ahead' : 'nothing-pending';
}

/** All that a plan applies, in its order: `0042_add_email`, `R_active_users`. */
export const pendingNames = ({ pending, repeatables }: Plan): string[] => [
  ...pending.map(migrationName),
  ...repeatables.map(repeatableName),
];

/**
 * Whether somebody else wrote to the ledger since a plan was made. Entries of the same run do not count: a
 * run that continues in its next attempt goes on with its own plan.
 */
export function isStale(planLastEntryId: string, runId: string, ledger: LedgerState): boolean {
  return [...ledger.current, ...ledger.repeatables].some(
    (e) => BigInt(e.entryId) > BigInt(planLastEntryId) && e.runId !== runId,
  );
}

function findGaps(pending: readonly PendingMigration[], applied: readonly CurrentEntry[]): Gap[] {
  if (pending.length === 0) return [];
  const overtakes = overtaking(applied);
  return pending.flatMap((p) => {
    const above = overtakes(p);
    const { revision, slug } = p;
    return above ? [{ kind: 'gap', revision, slug, highestApplied: above.revision }] : [];
  });
}

function findUnprepared(unapplied: readonly PendingMigration[]): PlanProblem[] {
  const first = unprepared(unapplied);
  return first ? [{ kind: 'unprepared', revision: first.revision, slug: first.slug }] : [];
}

function findMissing(pairs: readonly Pair[], applied: readonly CurrentEntry[]): PlanProblem[] {
  const present = new Set(pairs.map(({ known }) => known));
  const [lowest, highest] = [pairs[0]?.entry.revision, pairs.at(-1)?.entry.revision];
  return (
    applied
      .filter((e) => !present.has(e))
      // Below the bundle's lowest revision, history was squashed into a baseline; above its highest, it is ahead.
      .filter((e) => lowest !== undefined && compareRevisions(e.revision, lowest) > 0)
      .filter((e) => !isAbove(e.revision, highest))
      .map(({ revision, slug }) => ({ kind: 'missing', revision, slug }))
  );
}

const isAbove = (revision: string, highest: string | undefined): boolean =>
  highest !== undefined && compareRevisions(revision, highest) > 0;
