/**
 * Inputs and outputs of the functions of the machine that follows a roll-out. Its data begins with what the run's
 * "Follow roll-out" gives it (`{followed, request, rollOut, lease}`), and gets `alarms`, `stopError` and `verdict`; where a
 * person may have the restore point brought back, also with `restorePoint` and `restoration`.
 * `run` is this machine's own execution, which holds the lease when something is reverted; `followed` is the run that
 * signalled roll out.
 */
import * as z from 'zod';
import { restorationSchema } from '../restore-point/restoration.ts';
import { followedSchema } from '../rollout/deployments.ts';
import { rollOutLimitsSchema, rollOutProgressSchema } from '../rollout/follow-roll-out.ts';
import { verdictSchema } from '../rollout/verdict.ts';
import { restorePointSchema } from './payloads.ts';
import { runSchema } from './run.ts';

const follow = { run: runSchema, follow: followedSchema, limits: rollOutLimitsSchema };

const alarms = z.array(z.object({ AlarmName: z.string() })).default([]);

export const awaitRollOutInputSchema = z.object({
  ...follow,
  request: z.object({ deployment: z.string().optional() }),
  rollOut: rollOutProgressSchema,
  /** As CloudWatch answers DescribeAlarms for those in state ALARM; absent without alarms. */
  alarms: z.object({ MetricAlarms: alarms, CompositeAlarms: alarms }).optional(),
});
export const stopRollOutInputSchema = z.object({ ...follow, rollOut: rollOutProgressSchema });

/** The output is the whole state from then on, so that progress and verdict need one ResultPath. */
export const restoreDatabaseOutputSchema = z.object({
  followed: runSchema,
  restorePoint: restorePointSchema,
  verdict: verdictSchema,
  restoration: restorationSchema,
});
export type RestoreDatabase = z.infer<typeof restoreDatabaseOutputSchema>;
export const restoreDatabaseInputSchema = restoreDatabaseOutputSchema.extend({ run: runSchema });
