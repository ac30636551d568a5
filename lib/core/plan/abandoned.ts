/**
 * Migrations that are half applied and that the bundle does not have. Nothing may be built on one: what is done of it
 * is in no file. If there is nothing to do, and it is above all that the bundle has, an older bundle is deployed, as
 * after a roll-back of the app: that is no problem, and worth a word.
 */
import type { CatalogEntry } from './bundle.ts';
import type { PartialRevision } from './ledger-state.ts';
import { compareRevisions } from './revision.ts';

export interface Abandoned {
  readonly revision: string;
  readonly slug: string;
}

export interface Abandonment {
  readonly problems: readonly ({ readonly kind: 'abandoned' } & Abandoned)[];
  readonly halfAhead: readonly Abandoned[];
}

export function findAbandoned(
  partial: readonly PartialRevision[],
  catalog: readonly CatalogEntry[],
  isAnythingPending: boolean,
): Abandonment {
  const highest = catalog.at(-1)?.revision;
  const isLacking = ({ revision, direction }: PartialRevision) =>
    direction === 'up' && !catalog.some((e) => compareRevisions(e.revision, revision) === 0);
  const isProblem = ({ revision }: Abandoned) =>
    isAnythingPending || (highest !== undefined && compareRevisions(revision, highest) < 0);
  const all = partial.filter(isLacking).map(({ migration }) => named(migration));
  return {
    problems: all.filter(isProblem).map((a) => ({ kind: 'abandoned', ...a })),
    halfAhead: all.filter((a) => !isProblem(a)),
  };
}

function named(migration: string): Abandoned {
  const [revision = '', ...slug] = migration.split('_');
  return { revision, slug: slug.join('_') };
}
