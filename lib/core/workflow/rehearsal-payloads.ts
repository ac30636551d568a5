/** Inputs and outputs of the states that rehearse on a copy, and what they leave in the workflow's data. */
import * as z from 'zod';
import { measurementSchema } from '../plan/measurement.ts';
import { RUN_PHASES } from '../plan/phase.ts';
import { bundleAddressSchema } from '../published/address.ts';
import { copyProgressSchema } from '../rehearsal/copy-progress.ts';
import { givenRehearsalSchema } from '../rehearsal/gate.ts';
import { runSchema } from './run.ts';

export const rehearsedSchema = givenRehearsalSchema.extend({ slowest: z.array(measurementSchema) });
export type Rehearsed = z.infer<typeof rehearsedSchema>;

/** Part of the workflow's state where the coordinator rehearses. */
export const rehearsalStateSchema = z.object({
  status: z.enum(['not-needed', 'needed', 'done']),
  /** Copies that this run has asked for. */
  tries: z.number().int().nonnegative(),
  copy: copyProgressSchema,
  /** What came of the last one. */
  result: rehearsedSchema.optional(),
});
export type RehearsalState = z.infer<typeof rehearsalStateSchema>;

export const makeCopyInputSchema = z.object({ run: runSchema, copy: copyProgressSchema });
export const rehearseInputSchema = z.object({
  run: runSchema,
  copy: copyProgressSchema,
  plan: z.object({
    toRevision: z.string().nullable(),
    phase: z.enum(RUN_PHASES).nullable(),
    bundle: bundleAddressSchema.nullish(),
  }),
});

/** Of a state, or of the schedule, which asks for all that have expired. */
export const removeCopiesInputSchema = z.object({
  run: runSchema.optional(),
  copy: copyProgressSchema.optional(),
});
export const removeCopiesOutputSchema = z.object({ removed: z.array(z.string()) });
