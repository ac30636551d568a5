/**
 * The bundle: a compiled, checksummed set of migrations and repeatable objects, small enough to travel as one file,
 * complete enough that who executes it needs no parser.
 *
 * Invariants: migrations are sorted by revision, repeatable objects by name, and no two share one; every script's
 * `sha256` is that of its `sql`; statement offsets are UTF-8 byte offsets into `sql`, ascending and disjoint; `digest`
 * covers every name, phase and checksum, so two bundles with one digest do the same to a database.
 */
import * as z from 'zod';
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { STRONG_MODES } from '../locks/index.ts';
import { makeBundle, PHASES, sha256 } from './catalog.ts';
import { postconditionSchema } from './postcondition.ts';

export * from './catalog.ts';

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

/** One relation that a statement locks, as the statement names it. */
const relationLockSchema = z.object({
  schema: z.string().optional(),
  relation: z.string(),
  mode: z.enum(STRONG_MODES),
});

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
  /** Strong locks that it takes on relations which may be there before its transaction; absent if there are none. */
  locks: z.array(relationLockSchema).optional(),
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
  lockWaitMs: z.number().int().nonnegative().optional(),
  /** How long the author expects it to take at most; decides where it runs, not for how long it may. */
  expectedDurationMs: z.number().int().positive().optional(),
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
