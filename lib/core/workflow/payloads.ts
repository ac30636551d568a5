/**
 * Inputs and outputs of the functions. The state machine's data is one object that grows as it goes:
 * `{run, outcome, plan, restorePoint, lease, progress, verdict, error?}`; each task gets a selection of it as
 * `Parameters` and its result is put at one `ResultPath` (docs/architecture.md has the table). `run` always comes
 * from the context object, so it is there after a failure in any state.
 */
import * as z from 'zod';
import { approvalSchema } from '../approval/approval.ts';
import { hazardSchema } from '../plan/bundle.ts';
import { measurementSchema } from '../plan/measurement.ts';
import { RUN_PHASES } from '../plan/phase.ts';
import { REVISION_PATTERN } from '../plan/revision.ts';
import { bundleAddressSchema } from '../published/address.ts';
import { givenRehearsalSchema } from '../rehearsal/gate.ts';
import { restoreRecordSchema } from '../restore-point/restore-record.ts';
import { waitingDeployerSchema } from '../rollout/receivers.ts';
import { ROLL_OUT_POLICIES } from '../rollout/sent-back-verdict.ts';
import { verdictSchema } from '../rollout/verdict.ts';
import { rehearsalStateSchema } from './rehearsal-payloads.ts';
import { caughtErrorSchema, runSchema } from './run.ts';

/** What a person or a pipeline may put into the execution's input; `{}` is valid. Unknown keys are ignored
 * (a console or an EventBridge rule may add its own). */
export const startInputSchema = z.object({
  toRevision: z.string().regex(REVISION_PATTERN).optional(),
  phase: z.enum(RUN_PHASES).optional(),
  forceContract: z.boolean().optional(),
  reason: z.string().max(500).optional(),
  dryRun: z.boolean().optional(),
  /** What is to be applied, published in S3; absent or null: the bundle that is deployed with the functions. */
  bundle: bundleAddressSchema.nullish(),
  /** Deployers that wait for the verdict of just this run; written by the function that they asked. */
  answerTo: z.array(waitingDeployerSchema).max(10).optional(),
  /** ARN of the service deployment of ECS, or id of the deployment of CodeDeploy, that this run is a part of: the one
   * that is followed afterwards. Absent: the next one that begins. */
  deployment: z.string().min(1).max(1000).optional(),
  /** What migrations took in an earlier environment: that one's verdict as it is will do as an input. */
  slowest: z.array(measurementSchema).optional(),
  /** What `lockstep rehearse --out` has written: that file as it is will do as an input. */
  rehearsal: givenRehearsalSchema.optional(),
});
export type StartInput = z.infer<typeof startInputSchema>;

export const planInputSchema = z.object({
  run: runSchema,
  request: startInputSchema,
  /** When a person was asked, or has approved, before. */
  approval: approvalSchema.optional(),
  /** What was rehearsed before in this run. */
  rehearsal: rehearsalStateSchema.optional(),
});

export const planDataSchema = z.object({
  /** First 100 pending migrations. */
  pending: z.array(z.string()),
  pendingCount: z.number().int(),
  appliedCount: z.number().int(),
  hazards: z.array(hazardSchema.extend({ migration: z.string() })),
  toRevision: z.string().nullable(),
  phase: z.enum(RUN_PHASES).nullable(),
  forceContract: z.boolean(),
  lastEntryId: z.string(),
  bundleDigest: z.string(),
  /** As the run's input has it, for those that have no other way to it. Null: the deployed one. */
  bundle: bundleAddressSchema.nullish(),
  /** Of the pending ones, those that were measured elsewhere; absent when none was. */
  measured: z.array(measurementSchema).optional(),
});
export type PlanData = z.infer<typeof planDataSchema>;

export const RESTORE_POINT_STATUSES = ['requested', 'creating', 'available', 'none'] as const;
export const restorePointSchema = z.object({
  status: z.enum(RESTORE_POINT_STATUSES),
  id: z.string().nullable(),
  waitSeconds: z.number().int().nonnegative(),
  waitedSeconds: z.number().int().nonnegative(),
  /** From when it is requested on. */
  record: restoreRecordSchema.optional(),
});
export type RestorePointProgress = z.infer<typeof restorePointSchema>;

export const leaseProgressSchema = z.object({
  acquired: z.boolean(),
  heldBy: z.string().nullable(),
  watch: z.object({ recordVersion: z.string(), unchangedMs: z.number() }).nullable(),
  waitSeconds: z.number().int().nonnegative(),
  waitedSeconds: z.number().int().nonnegative(),
});
export type LeaseProgress = z.infer<typeof leaseProgressSchema>;

/** What an attempt needs of the plan. */
export const taskPlanSchema = planDataSchema.pick({
  toRevision: true,
  phase: true,
  forceContract: true,
  lastEntryId: true,
  bundleDigest: true,
  bundle: true,
});

/** Of a task, as JSON in its environment: ECS takes 8192 characters of overrides, so no list is in it. */
export const migrateTaskInputSchema = z.object({
  run: runSchema,
  /** With the digest of the bundle that it was made from; the image has to have the same. */
  plan: taskPlanSchema,
  restorePointId: z.string().nullable(),
  /** Of a foreign command's task, which begins the run in the ledger: how to bring the restore point back. */
  restoreRecord: restoreRecordSchema.optional(),
});
export type MigrateTaskInput = z.infer<typeof migrateTaskInputSchema>;

export const migrateProgressSchema = z.object({
  outcome: z.enum(['not-started', 'more', 'applied']),
  calls: z.number().int().nonnegative(),
  appliedCount: z.number().int().nonnegative(),
  /** Where it goes on; absent where there are no tasks. */
  next: z.enum(['function', 'task']).optional(),
  /** Of the task, if that is next. */
  task: migrateTaskInputSchema.optional(),
  /** Tasks in a row that had ended without having finished a migration. */
  idleTasks: z.number().int().nonnegative().optional(),
  /** What Catch puts there when the task that was next failed. */
  taskError: caughtErrorSchema.optional(),
});
export type MigrateProgress = z.infer<typeof migrateProgressSchema>;

/** The whole state after Plan; `verdict` is null while something is pending. */
export const planOutputSchema = z.object({
  run: runSchema,
  outcome: z.enum(['nothing-pending', 'ahead', 'pending', 'dry-run']),
  plan: planDataSchema,
  restorePoint: restorePointSchema,
  lease: leaseProgressSchema,
  progress: migrateProgressSchema,
  verdict: verdictSchema.nullable(),
  /** Where plans may have to wait for a person. */
  approval: approvalSchema.optional(),
  /** Where the coordinator rehearses on a copy. */
  rehearsal: rehearsalStateSchema.optional(),
});
export type PlanOutput = z.infer<typeof planOutputSchema>;

export const takeRestorePointInputSchema = z.union([
  z.object({ run: runSchema, plan: planDataSchema, restorePoint: restorePointSchema }),
  /** From its schedule: those that have become too old are deleted. */
  z.object({ expire: z.literal(true) }),
]);
export const takeRestorePointOutputSchema = z.union([
  restorePointSchema,
  z.object({ deleted: z.array(z.string()) }),
]);
export const acquireLeaseInputSchema = z.object({ run: runSchema, lease: leaseProgressSchema });
export const migrateInputSchema = z.object({
  run: runSchema,
  plan: planDataSchema,
  restorePoint: restorePointSchema,
  progress: migrateProgressSchema,
  approval: approvalSchema.optional(),
  rehearsal: rehearsalStateSchema.optional(),
});
export type MigrateInput = z.infer<typeof migrateInputSchema>;
/** As Plan's does, this output becomes the whole state: the input again with new progress, and the verdict, which is
 * null while there is more to do. So progress and verdict need one ResultPath and no state in between. */
export const migrateOutputSchema = migrateInputSchema.extend({ verdict: verdictSchema.nullable() });
export type MigrateOutput = z.infer<typeof migrateOutputSchema>;

export const releaseLeaseInputSchema = z.object({ run: runSchema });
export const releaseLeaseOutputSchema = z.object({ released: z.boolean() });

/** The run's input, which may be just what the run failed of. */
export const anyRequestSchema = z.object({ bundle: z.unknown().optional() }).catch({ bundle: undefined });

/** After a failure in Plan there is no plan: everything but the run may be missing. */
const failedRunSchema = z.object({ run: runSchema, error: caughtErrorSchema, request: anyRequestSchema });
/** After a roll-out that was unhealthy: `run` is the execution that followed it, `followed` the run that is sent back. */
const unhealthyRollOutSchema = z.object({
  run: runSchema,
  followed: runSchema,
  request: anyRequestSchema,
  rollOut: z.object({
    deployment: z.string().nullable(),
    runs: z.enum(['old', 'new', 'unknown']),
    reason: z.string().nullable(),
  }),
  policy: z.enum(ROLL_OUT_POLICIES),
  /** What Catch puts there when the deployment could not be stopped; null otherwise. */
  stopError: caughtErrorSchema.nullable(),
});
export type UnhealthyRollOut = z.infer<typeof unhealthyRollOutSchema>;
export const rollBackInputSchema = z.union([failedRunSchema, unhealthyRollOutSchema]);
export const rollBackOutputSchema = verdictSchema;

export const keepReportInputSchema = z.object({ run: runSchema, verdict: verdictSchema });
/** The same verdict, with the report's place or a warning. */
export const keepReportOutputSchema = verdictSchema;

/** `Step Functions Execution Status Change`, the part that CleanUp reads. */
export const executionStatusEventSchema = z.object({
  detail: z.object({
    executionArn: z.string(),
    name: z.string(),
    status: z.enum(['ABORTED', 'TIMED_OUT', 'FAILED']),
    startDate: z.number(),
  }),
});
/** Or, from its schedule: whoever has the lease and has ended is cleaned up after as if the event had come. */
export const cleanUpInputSchema = z.union([
  executionStatusEventSchema,
  z.object({ reconcile: z.literal(true) }),
]);
export const cleanUpOutputSchema = z.object({
  endedSessions: z.number().int(),
  released: z.boolean(),
  signalled: z.boolean(),
});
