import * as z from 'zod';

/** What one migration took in a database: its longest step, because only a step cannot be interrupted. */
export const measurementSchema = z.object({
  /** `0042_add_email` */
  migration: z.string(),
  durationMs: z.number().int().nonnegative(),
});
export type Measurement = z.infer<typeof measurementSchema>;
