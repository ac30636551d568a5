/** What a plan says as changes: migrations up, repeatable objects, and down scripts out of the ledger. */
import type { Change, DownScript } from '../adapters/postgres/index.ts';
import { wantedBy } from '../core/locks/index.ts';
import {
  type CurrentEntry,
  compareRevisions,
  type LedgerState,
  type Migration,
  type MigrationSource,
  type PartialRevision,
  type Plan,
  type Repeatable,
  stepsOf,
} from '../core/plan/index.ts';
import type { Attempt } from './attempt.ts';

type Identity = Pick<Attempt, 'runId' | 'token'>;

export function upChange(migration: Migration, ordinal: number, { runId, token }: Identity): Change {
  const { revision, slug, phase, up, down, settings } = migration;
  const { sha256, normalizedSha256 } = up;
  const { lockTimeoutMs, statementTimeoutMs, lockWaitMs } = settings;
  return {
    kind: 'applied',
    revision,
    slug,
    phase,
    ordinal,
    sha256,
    normalizedSha256,
    script: up,
    steps: stepsOf(up),
    down,
    lockTimeoutMs,
    statementTimeoutMs,
    lockWaitMs,
    isDurable: true,
    runId,
    token,
  };
}

function repeatableChange(
  { name, script, settings }: Repeatable,
  ordinal: number,
  { runId, token }: Identity,
): Change {
  const { sha256, normalizedSha256 } = script;
  const { lockTimeoutMs, statementTimeoutMs, lockWaitMs } = settings;
  return {
    kind: 'repeatable',
    revision: 'R',
    slug: name,
    phase: 'expand',
    ordinal,
    sha256,
    normalizedSha256,
    script,
    steps: stepsOf(script),
    down: undefined,
    lockTimeoutMs,
    statementTimeoutMs,
    lockWaitMs,
    isDurable: true,
    runId,
    token,
  };
}

/**
 * Made one after the other, of which only the last one need be waited for: those before are on disk then, too. What is a
 * single transaction that looks at nothing first, and of which nothing was begun before (`partial`), may be sent before
 * such a one before it is answered.
 */
export const inOneRun = (changes: readonly Change[], partial: readonly PartialRevision[]): Change[] =>
  changes.map((change, i) => {
    const before = changes[i - 1];
    const isFollower = isSmall(change) && !isBegun(change, partial);
    const follows = before && isSmall(before) && isFollower ? before : undefined;
    return {
      ...change,
      isDurable: i === changes.length - 1,
      follows: follows && { revision: follows.revision, ordinal: follows.ordinal },
    };
  });

/** An earlier attempt has done a part of it, or tried to: its journal tells. */
export const isBegun = (change: Change, partial: readonly PartialRevision[]): boolean =>
  partial.some((p) => compareRevisions(p.revision, change.revision) === 0 && p.ordinal === change.ordinal);

/** One transaction without a strong lock that is known of, and one row of the ledger that says that it was made. */
const isSmall = ({ kind, steps: [step, ...others] }: Change): boolean =>
  kind === 'applied' &&
  others.length === 0 &&
  step?.kind === 'transaction' &&
  wantedBy(step.statements).length === 0;

/** Everything pending, in the order in which it is applied. Throws LS2xx for a file that does not compile. */
export async function pendingChanges(
  source: MigrationSource,
  { pending, repeatables }: Plan,
  { partial }: LedgerState,
  identity: Identity,
): Promise<Change[]> {
  const migrations = await source.load(pending.map((p) => p.revision));
  const objects = await source.loadRepeatables(repeatables.map(({ name }) => name));
  const changes = [
    ...migrations.map((m, i) => upChange(m, pending[i]!.ordinal, identity)),
    ...objects.map((o, i) => repeatableChange(o, repeatables[i]!.ordinal, identity)),
  ];
  return inOneRun(changes, partial);
}

export function downChange(entry: CurrentEntry, script: DownScript, { runId, token }: Identity): Change {
  const { revision, slug, phase, ordinal, sha256, normalizedSha256 } = entry;
  return {
    kind: 'reverted',
    revision,
    slug,
    phase,
    ordinal: ordinal + 1,
    sha256,
    normalizedSha256,
    script,
    steps: stepsOf(script),
    down: undefined,
    lockTimeoutMs: script.lockTimeoutMs,
    statementTimeoutMs: script.statementTimeoutMs,
    lockWaitMs: script.lockWaitMs,
    isDurable: true,
    runId,
    token,
  };
}
