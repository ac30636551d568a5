/** The result of a rehearsal as it is kept: by `lockstep rehearse --out`, for `lockstep plan --rehearsal`. */
import * as z from 'zod';
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { STRONG_MODES } from '../locks/index.ts';
import { measurementSchema } from '../plan/measurement.ts';

const LAYOUT = 1;

const bytes = z.number().int();
const ms = z.number().nonnegative();

export const heldSchema = z.object({
  /** schema.name, quoted where needed. */
  relation: z.string(),
  mode: z.enum(STRONG_MODES),
  /** From the begin of the step's transaction, so at most for so long; of one that was only seen, about so long. */
  heldMs: ms,
  /** By the ledger, or only seen by another session. */
  isRecorded: z.boolean(),
  /** Of the relation before the step, with its indexes; null if it is not known. */
  bytes: bytes.nullable(),
  /** 1-based line of the first statement of the step that is known to take it; null when none is known. */
  line: z.number().int().nullable(),
});

export const WHO = ['readers', 'writers'] as const;

export const waitSchema = z.object({
  relation: z.string(),
  who: z.enum(WHO),
  /** Of one probe. */
  longestMs: ms,
  /** In which at least one probe waited. */
  totalMs: ms,
});

export const rehearsedStepSchema = z.object({
  /** 0042_add_email, R_active_users */
  migration: z.string(),
  /** From 1 on. */
  step: z.number().int().positive(),
  steps: z.number().int().positive(),
  kind: z.enum(['transaction', 'alone', 'batches']),
  durationMs: ms,
  locks: z.array(heldSchema),
  waits: z.array(waitSchema),
  /** Locked, and whether others waited is not known. */
  notProbed: z.array(z.string()),
  /** Tables that got a new file, with their size before. */
  rewritten: z.array(z.object({ relation: z.string(), bytes })),
  /** Indexes that were built, of tables that were there before, with their size. */
  indexes: z.array(z.object({ index: z.string(), relation: z.string(), bytes })),
  /** Of the database: after the step, and at most while it ran, compared with before it. */
  growthBytes: bytes,
  peakBytes: bytes,
  /** Write-ahead log of the whole server; null where it does not tell. */
  walBytes: bytes.nullable(),
});

const limit = z.number().positive().nullable();

export const budgetSchema = z.object({ maxDurationMs: limit, maxBlockedMs: limit });

export const excessSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('duration'), durationMs: ms, limitMs: z.number() }),
  z.object({
    kind: z.literal('blocked'),
    migration: z.string(),
    step: z.number().int(),
    relation: z.string(),
    who: z.enum(WHO),
    longestMs: ms,
    limitMs: z.number(),
  }),
  /** Whether others waited for it is not known, and there is a limit to that. */
  z.object({
    kind: z.literal('not-probed'),
    migration: z.string(),
    step: z.number().int(),
    relation: z.string(),
  }),
]);

export const rehearsalSchema = z.object({
  layout: z.literal(LAYOUT),
  target: z.string(),
  /** When it began: 2026-11-21T06:23:10.123Z. */
  at: z.string(),
  bundleDigest: z.string(),
  /** What the ledger had, as `ledgerHead` makes it. */
  ledgerHead: z.string(),
  copy: z.enum(['base-backup', 'given']),
  /** Of the copy, before. */
  databaseBytes: bytes,
  verdict: z.enum(['within-budget', 'over-budget', 'failed']),
  excesses: z.array(excessSchema),
  budget: budgetSchema,
  /** Of all steps. */
  durationMs: ms,
  steps: z.array(rehearsedStepSchema),
  /** Of one that failed: what it failed with. */
  error: z.object({ code: z.string(), what: z.string() }).nullable(),
});

/** The file: also an input of the workflow, which ignores what it does not know. */
export const rehearsalDocumentSchema = z.object({
  rehearsal: rehearsalSchema,
  /** Migrations that take long. */
  slowest: z.array(measurementSchema),
});

export type Held = z.infer<typeof heldSchema>;
export type Wait = z.infer<typeof waitSchema>;
export type Who = Wait['who'];
export type RehearsedStep = z.infer<typeof rehearsedStepSchema>;
export type Excess = z.infer<typeof excessSchema>;
export type Rehearsal = z.infer<typeof rehearsalSchema>;
export type RehearsalDocument = z.infer<typeof rehearsalDocumentSchema>;
export type Budget = Rehearsal['budget'];

/** Throws LS744. */
export function parseRehearsal(text: string, file: string): Rehearsal {
  const parsed = rehearsalDocumentSchema.safeParse(jsonIn(text));
  if (parsed.success) return parsed.data.rehearsal;
  throw new LockstepError('LS744', {
    what: `${file} is not the result of a rehearsal.`,
    state: NOTHING_CHANGED,
    remedy: 'Give a file that `lockstep rehearse --out` has written, by the same release of Lockstep.',
    context: { file },
  });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export type Mismatch = 'bundle' | 'ledger' | 'pending';

interface About {
  readonly bundleDigest: string;
  readonly ledgerHead: string;
}

/**
 * Why a rehearsal says nothing of a plan; empty if it is of this one. Of one that is
 * not within its budget nobody asks how far it came.
 * @param now.pending names of all that is to be applied
 */
export function mismatchesOf(
  given: About & { readonly verdict: Rehearsal['verdict']; readonly steps: readonly { migration: string }[] },
  now: About & { readonly pending: readonly string[] },
): Mismatch[] {
  const { bundleDigest, ledgerHead, verdict, steps } = given;
  const rehearsed = new Set(steps.map(({ migration }) => migration));
  const isWhole = verdict !== 'within-budget' || now.pending.every((name) => rehearsed.has(name));
  return [
    ...(bundleDigest === now.bundleDigest ? [] : (['bundle'] as const)),
    ...(ledgerHead === now.ledgerHead ? [] : (['ledger'] as const)),
    ...(isWhole ? [] : (['pending'] as const)),
  ];
}
