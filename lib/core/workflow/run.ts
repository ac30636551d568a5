/** What the payloads of both machines have in common. */
import * as z from 'zod';

/** From the context object: `$$.Execution.Name`, `$$.Execution.Id`, `$$.Execution.StartTime`. */
export const runSchema = z.object({
  id: z.string().min(1),
  execution: z.string().min(1),
  startedAt: z.string(),
});
export type Run = z.infer<typeof runSchema>;

/** What Catch puts at `$.error`: the thrown error's name, and JSON text with errorType and errorMessage. */
export const caughtErrorSchema = z.object({ Error: z.string(), Cause: z.string().optional() });
export type CaughtError = z.infer<typeof caughtErrorSchema>;
