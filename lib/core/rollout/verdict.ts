import * as z from 'zod';
import { measurementSchema } from '../plan/measurement.ts';
import { MEASUREMENTS_LIMIT } from '../plan/placement.ts';
import { reportLinkSchema } from '../report/place.ts';

/** Longest list of migration names in a verdict; counts are exact, lists are cut. */
export const VERDICT_LIST_LIMIT = 100;

export const OUTCOMES = ['applied', 'nothing-pending', 'ahead', 'dry-run', 'failed', 'refused'] as const;
export type Outcome = (typeof OUTCOMES)[number];

const names = z.array(z.string()).max(VERDICT_LIST_LIMIT);

export const verdictSchema = z.object({
  /** The run: the execution's name, or a process's holder id. */
  run: z.string(),
  target: z.string(),
  outcome: z.enum(OUTCOMES),
  signal: z.enum(['ROLL_OUT', 'ROLL_BACK', 'NONE']),
  /** Migrations (0042_add_email) that this run applied and that are applied still. */
  applied: names,
  appliedCount: z.number().int(),
  /** Asked for and not applied. */
  notApplied: names,
  notAppliedCount: z.number().int(),
  /** Applied by this run and reverted by it again. */
  reverted: names,
  /** Snapshot identifier or null. */
  restorePoint: z.string().nullable(),
  /** The database that the restore point was brought back as, beside the old one; absent where none was. */
  restored: z.object({ identifier: z.string(), host: z.string(), port: z.number().int() }).optional(),
  /** The run's page; absent where none is kept. */
  report: reportLinkSchema.optional(),
  /** For a person: what went wrong that changes nothing of all the above; absent when nothing did. */
  warnings: z.array(z.string()).max(VERDICT_LIST_LIMIT).optional(),
  bundleDigest: z.string(),
  /** Who approved the plan, as they call themselves; absent where nobody was asked, or did not say. */
  approvedBy: z.string().optional(),
  durationMs: z.number().int(),
  /** The slowest migrations of this database, whoever applied them: as input of another database's run they say
   * which of them need more time than a function has. */
  slowest: z.array(measurementSchema).max(MEASUREMENTS_LIMIT),
  error: z.object({ name: z.string(), code: z.string(), message: z.string() }).nullable(),
  /** For a person: what happened, what is true of the database now, what to do next. */
  message: z.string(),
  state: z.string(),
  next: z.string(),
});
export type Verdict = z.infer<typeof verdictSchema>;

export const cutList = (all: readonly string[]): string[] => all.slice(0, VERDICT_LIST_LIMIT);
