/**
 * The bundle: a compiled, checksummed set of migrations and repeatable objects, small enough to travel as one file, complete enough
 * that who executes it needs no parser.
 *
 * Invariants: migrations are sorted by revision, repeatable objects by name, and no two share one; every script's `sha256` is that of its
 * `sql`; statement offsets are UTF-8 byte offsets into `sql`, ascending and disjoint; `digest` covers every
 * name, phase and checksum, so two bundles with one digest do the same to a database.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { postconditionSchema } from './postcondition.ts';
import { compareRevisions } from './revision.ts';

export const PHASES = ['expand', 'backfill', 'contract'] as const;
export type Phase = (typeof PHASES)[number];

/** The place holder of a back-fill: which key of which table is walked, and where in the script the range belongs. */
export const batchSchema = z.object({
  schema: z.string().optional(),
  table: z.string(),
  /** Columns of a unique key, in its order. */
  key: z.array(z.string()).min(1),
  /** How the statement calls the table: by an alias, its name, its schema and name, or not at all. */
  qualifier: z.array(z.string()),
  /** UTF-8 byte offsets into the script's sql, end exclusive. */
  start: z.number().int().nonnegative(),
  end: z.number().int().nonnegative(),
});
export type Batch = z.infer<typeof batchSchema>;

export const statementSchema = z.object({
  /** UTF-8 byte offsets into the script's sql, end exclusive, without the closing semicolon. */
  start: z.number().int().nonnegative(),
  end: z.number().int().nonnegative(),
  /** PostgreSQL's parse node tag, such as `AlterTableStmt`. */
  kind: z.string(),
  transactional: z.boolean(),
  /** Present exactly when the statement is not transactional. */
  postcondition: postconditionSchema.optional(),
  /** What comes after it has to wait until it is committed: a new value of an enum, which cannot be used before. */
  endsTransaction: z.literal(true).optional(),
  /** Present in a back-fill that is done in batches. */
  batch: batchSchema.optional(),
});
export type Statement = z.infer<typeof statementSchema>;

export const scriptSchema = z.object({
  file: z.string(),
  sha256: z.string(),
  /** SHA-256 of the SQL as the parser prints its tokens: equal for two files that differ in layout and comments only. */
  normalizedSha256: z.string(),
  sql: z.string(),
  statements: z.array(statementSchema),
});
export type Script = z.infer<typeof scriptSchema>;

export const hazardSchema = z.object({
  rule: z.string(),
  class: z.enum(['destructive', 'rewrites-table']),
  /** 1-based line in the script's file. */
  line: z.number().int(),
  message: z.string(),
  advice: z.string(),
});
export type Hazard = z.infer<typeof hazardSchema>;

const settingsSchema = z.object({
  lockTimeoutMs: z.number().int().nonnegative().optional(),
  statementTimeoutMs: z.number().int().nonnegative().optional(),
});

export const migrationSchema = z.object({
  /** As written in the file name, `0042`; compared as a number. */
  revision: z.string(),
  slug: z.string(),
  phase: z.enum(PHASES),
  settings: settingsSchema,
  up: scriptSchema,
  down: scriptSchema.optional(),
  hazards: z.array(hazardSchema),
});
export type Migration = z.infer<typeof migrationSchema>;

/** What `R_<name>.sql` has: one transaction, applied after the migrations whenever it changed. */
export const repeatableSchema = z.object({
  name: z.string(),
  settings: settingsSchema,
  script: scriptSchema,
  hazards: z.array(hazardSchema),
});
export type Repeatable = z.infer<typeof repeatableSchema>;

export const bundleSchema = z.object({
  format: z.literal(1),
  digest: z.string(),
  migrations: z.array(migrationSchema),
  /** Left out by bundles that were made before there were any. */
  repeatables: z.array(repeatableSchema).default([]),
});
export type Bundle = z.infer<typeof bundleSchema>;

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

export const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

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

/** Parses and verifies a bundle's text: shape, every checksum, the digest. Throws LS209. */
export function readBundle(text: string): Bundle {
  const damaged = (what: string, cause?: unknown) =>
    new LockstepError('LS209', {
      what: `The bundle is not usable: ${what}.`,
      state: NOTHING_CHANGED,
      remedy: 'Make it again with `lockstep bundle` of the same version, and do not edit it.',
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged('it is not JSON', cause);
  }
  const parsed = bundleSchema.safeParse(json);
  if (!parsed.success) throw damaged(z.prettifyError(parsed.error).replaceAll('\n', '; '), parsed.error);
  const bundle = parsed.data;
  const { migrations, repeatables } = bundle;
  const scripts = migrations.flatMap((m) => (m.down ? [m.up, m.down] : [m.up]));
  for (const script of [...scripts, ...repeatables.map((r) => r.script)]) {
    if (sha256(script.sql) !== script.sha256) throw damaged(`${script.file} does not have its checksum`);
  }
  if (makeBundle(migrations, repeatables).digest !== bundle.digest)
    throw damaged('its digest does not match');
  return bundle;
}

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
