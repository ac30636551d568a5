/**
 * What is done with migrations before, or without, reading a bundle's text: apart from bundle.ts, whose schemas would
 * have a process load zod that finds nothing to do.
 */
import crypto from 'node:crypto';
import type { Bundle, Migration, Repeatable } from './bundle.ts';
import { compareRevisions } from './revision.ts';

export const PHASES = ['expand', 'backfill', 'contract'] as const;
export type Phase = (typeof PHASES)[number];

/** What planning needs of a migration; cheap to read from a directory, without parsing any SQL. */
export interface CatalogEntry {
  readonly revision: string;
  readonly slug: string;
  readonly phase: Phase;
  /** Exact SHA-256 of the up file. */
  readonly sha256: string;
  /** Exact SHA-256 of the down file, if there is one. */
  readonly downSha256?: string | undefined;
}

/** What planning needs of a repeatable object. */
export interface RepeatableEntry {
  readonly name: string;
  /** Exact SHA-256 of the file. */
  readonly sha256: string;
}

/**
 * A set of migrations to take from. A directory compiles lazily (only what is asked for is parsed);
 * a bundle file has everything compiled already.
 */
export interface MigrationSource {
  readonly catalog: readonly CatalogEntry[];
  /** In the order in which they are applied, which is that of their names. */
  readonly repeatables: readonly RepeatableEntry[];
  readonly digest: string;
  /** The named migrations, in the order of the catalog. Throws LS2xx when a file is not valid. */
  load(revisions: readonly string[]): Promise<readonly Migration[]>;
  /** The named ones, in their order. Throws LS2xx when a file is not valid. */
  loadRepeatables(names: readonly string[]): Promise<readonly Repeatable[]>;
}

/** `0042_add_email`: how people name a migration. */
export const migrationName = (m: { revision: string; slug: string }): string => `${m.revision}_${m.slug}`;

/** In one go where Node can (20.12 or newer): for a thousand small files that is half the time. */
export const sha256: (text: string | Uint8Array) => string =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'hex')
    : (text) => crypto.createHash('sha256').update(text).digest('hex');

export function digestOf(catalog: readonly CatalogEntry[], repeatables: readonly RepeatableEntry[]): string {
  const lines = catalog.map((e) => [migrationName(e), e.phase, e.sha256, e.downSha256 ?? '-'].join(' '));
  const more = repeatables.map((r) => `R_${r.name} ${r.sha256}`);
  return sha256([...lines, ...more].join('\n'));
}

export const catalogEntryOf = (m: Migration): CatalogEntry => ({
  revision: m.revision,
  slug: m.slug,
  phase: m.phase,
  sha256: m.up.sha256,
  downSha256: m.down?.sha256,
});

const repeatableEntryOf = ({ name, script }: Repeatable): RepeatableEntry => ({
  name,
  sha256: script.sha256,
});

/** By code unit: the same order on every machine, whatever its language. */
export const compareNames = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

export function makeBundle(
  unsorted: readonly Migration[],
  unsortedRepeatables: readonly Repeatable[] = [],
): Bundle {
  const migrations = unsorted.toSorted((a, b) => compareRevisions(a.revision, b.revision));
  const repeatables = unsortedRepeatables.toSorted(compareNames);
  const digest = digestOf(migrations.map(catalogEntryOf), repeatables.map(repeatableEntryOf));
  return { format: 1, digest, migrations, repeatables };
}

/** All hazards of a bundle, or of what is left of it, each with the name of what it is in. */
export const bundleHazards = ({ migrations, repeatables }: Pick<Bundle, 'migrations' | 'repeatables'>) => [
  ...migrations.flatMap((m) => m.hazards.map((hazard) => ({ migration: migrationName(m), ...hazard }))),
  ...repeatables.flatMap((r) => r.hazards.map((hazard) => ({ migration: `R_${r.name}`, ...hazard }))),
];

export function sourceOfBundle(bundle: Bundle): MigrationSource {
  const byRevision = new Map(bundle.migrations.map((m) => [m.revision, m]));
  return {
    catalog: bundle.migrations.map(catalogEntryOf),
    repeatables: bundle.repeatables.map(repeatableEntryOf),
    digest: bundle.digest,
    load: async (revisions) => revisions.map((r) => byRevision.get(r)).filter((m) => m !== undefined),
    loadRepeatables: async (names) => bundle.repeatables.filter(({ name }) => names.includes(name)),
  };
}
