/** States as they are named in the console: for the person who opens it at 3 a.m. */
export const StateName = {
  Plan: 'Plan',
  AnythingPending: 'Anything pending?',
  /** These three only where plans may have to wait for a person. */
  ApprovalNeeded: 'Approval needed?',
  AskForApproval: 'Ask for approval',
  CheckApproval: 'Check approval',
  /** These only where the coordinator rehearses on a copy. */
  RehearsalNeeded: 'Rehearsal needed?',
  MakeCopy: 'Make copy',
  CopyReady: 'Copy ready?',
  WaitForCopy: 'Wait for copy',
  Rehearse: 'Rehearse',
  RemoveCopy: 'Remove copy',
  CheckRehearsal: 'Check rehearsal',
  RemoveCopyAfterFailure: 'Remove copy after failure',
  TakeRestorePoint: 'Take restore point',
  RestorePointReady: 'Restore point ready?',
  WaitForRestorePoint: 'Wait for restore point',
  AcquireLease: 'Acquire lease',
  LeaseObtained: 'Lease obtained?',
  WaitForLease: 'Wait for lease',
  Migrate: 'Migrate',
  /** Only with long-running tasks. */
  MigrateInTask: 'Migrate in a task',
  AllApplied: 'All applied?',
  ReleaseLease: 'Release lease',
  /** These two only if reports are kept. */
  KeepReport: 'Keep report',
  KeepReportOfFailure: 'Keep report of failure',
  ReleaseLeaseForReplan: 'Release lease, plan again',
  RollBack: 'Roll back',
  RollBackFailed: 'Roll back did not finish',
  ReleaseLeaseAfterFailure: 'Release lease after failure',
  /** Only if roll-outs are followed, as the next one. */
  RollOutToFollow: 'Roll-out to follow?',
  FollowRollOut: 'Follow roll-out',
  SignalRollOut: 'Signal roll out',
  SignalRollBack: 'Signal roll back',
  Succeeded: 'Succeeded',
  Failed: 'Failed',
  FailedUnsignalled: 'Failed, roll back not signalled',
} as const;
export type StateName = (typeof StateName)[keyof typeof StateName];

/** Of the machine that follows a roll-out, beside those that are named and called as the workflow's are. */
export const RollOutStateName = {
  LookAtAlarms: 'Look at alarms',
  AwaitRollOut: 'Await roll-out',
  RollOutSettled: 'Roll-out settled?',
  WaitForRollOut: 'Wait for roll-out',
  StopRollOut: 'Stop roll-out',
  PlanContract: 'Plan contract',
  AnythingToContract: 'Anything to contract?',
  StartContract: 'Start contract run',
  /** These only where a person may have the restore point brought back. */
  RestoreDatabase: 'Restore database',
  DatabaseRestored: 'Database restored?',
  AskForRestore: 'Ask whether to restore',
  WaitForRestore: 'Wait for restore',
  SignalRestore: 'Signal what was restored',
  FailedUnrestored: 'Failed, restore not finished',
  FailedUnfollowed: 'Failed, not followed any more',
  FailedUncontracted: 'Failed, contract not begun',
} as const;
export type RollOutStateName = (typeof RollOutStateName)[keyof typeof RollOutStateName];

/** One Lambda function each; the file functions/<name>.ts and the construct id have this name. */
export const FUNCTION_NAMES = [
  'plan',
  'take-restore-point',
  'acquire-lease',
  'migrate',
  'release-lease',
  'roll-back',
  'clean-up',
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/**
 * Those that stand between the workflow and deployers: each is made only if a deployer is to be told or asks for
 * runs. Files and construct ids as above.
 */
export const DEPLOYER_FUNCTION_NAMES = [
  'deliver-verdict',
  'start-run',
  'answer-ecs-hook',
  'answer-codepipeline-job',
] as const;
export type DeployerFunctionName = (typeof DEPLOYER_FUNCTION_NAMES)[number];

/** Of the machine that follows a roll-out; made only with it. Files and construct ids as above. */
export const ROLL_OUT_FUNCTION_NAMES = ['await-roll-out', 'stop-roll-out', 'restore-database'] as const;
export type RollOutFunctionName = (typeof ROLL_OUT_FUNCTION_NAMES)[number];

/** Made only if reports are kept. File and construct id as above. */
export const REPORT_FUNCTION_NAMES = ['keep-report'] as const;
export type ReportFunctionName = (typeof REPORT_FUNCTION_NAMES)[number];

/** Of rehearsals on copies; made only with them. Files and construct ids as above. */
export const REHEARSAL_FUNCTION_NAMES = ['make-copy', 'rehearse', 'remove-copies'] as const;
export type RehearsalFunctionName = (typeof REHEARSAL_FUNCTION_NAMES)[number];

export const ALL_FUNCTION_NAMES = [
  ...FUNCTION_NAMES,
  ...DEPLOYER_FUNCTION_NAMES,
  ...ROLL_OUT_FUNCTION_NAMES,
  ...REPORT_FUNCTION_NAMES,
  ...REHEARSAL_FUNCTION_NAMES,
] as const;
export type AnyFunctionName =
  | FunctionName
  | DeployerFunctionName
  | RollOutFunctionName
  | ReportFunctionName
  | RehearsalFunctionName;

/** Environment variables of the functions; set by the constructs, read by functions/_runtime/. */
export const EnvName = {
  target: 'LOCKSTEP_TARGET',
  leaseTable: 'LOCKSTEP_LEASE_TABLE',
  leaseDurationSeconds: 'LOCKSTEP_LEASE_DURATION_SECONDS',
  leaseWaitSeconds: 'LOCKSTEP_LEASE_WAIT_SECONDS',
  /** Path of the bundle file inside the function. */
  bundlePath: 'LOCKSTEP_BUNDLE_PATH',
  /** JSON: from where published bundles are taken; publishedSettingSchema. Absent: from nowhere. */
  bundles: 'LOCKSTEP_BUNDLES',
  databaseHost: 'LOCKSTEP_DATABASE_HOST',
  databasePort: 'LOCKSTEP_DATABASE_PORT',
  databaseName: 'LOCKSTEP_DATABASE_NAME',
  databaseUser: 'LOCKSTEP_DATABASE_USER',
  /** ARN of a Secrets Manager secret with username and password; absent with IAM login. */
  databaseSecretArn: 'LOCKSTEP_DATABASE_SECRET_ARN',
  /** `verify` (default) or `disable` (only a local server). */
  databaseTls: 'LOCKSTEP_DATABASE_TLS',
  /** `none`, `rds-instance` or `rds-cluster`. */
  restorePointKind: 'LOCKSTEP_RESTORE_POINT',
  restorePointSource: 'LOCKSTEP_RESTORE_POINT_SOURCE',
  /** `snapshot`, `clone` or `point-in-time`. */
  restorePointMethod: 'LOCKSTEP_RESTORE_POINT_METHOD',
  /** Of snapshots and clones: how many stay, and for how many days; absent: however old they get. */
  restorePointKeep: 'LOCKSTEP_RESTORE_POINT_KEEP',
  restorePointKeepDays: 'LOCKSTEP_RESTORE_POINT_KEEP_DAYS',
  /** `always` or `when-destructive`. */
  restorePointWhen: 'LOCKSTEP_RESTORE_POINT_WHEN',
  /** `down` or `code-only`. */
  rollBackPolicy: 'LOCKSTEP_ROLL_BACK_POLICY',
  /** `refuse` (default) or `allow`. */
  outOfOrder: 'LOCKSTEP_OUT_OF_ORDER',
  /** JSON: which plans wait for a person, and for how long; approvalSettingSchema. Absent: none. */
  approval: 'LOCKSTEP_APPROVAL',
  /** `required`: what is pending has to be rehearsed before. */
  rehearsal: 'LOCKSTEP_REHEARSAL',
  /** JSON: where the coordinator rehearses on a copy, its limits; budgetSchema. */
  rehearsalBudget: 'LOCKSTEP_REHEARSAL_BUDGET',
  /** Of the copies: `rds-instance` or `rds-cluster`, and of which one. */
  copyKind: 'LOCKSTEP_COPY',
  copySource: 'LOCKSTEP_COPY_SOURCE',
  /** `expand` where contract migrations come after the roll-out: of runs that name no phase. Absent: all phases. */
  defaultPhase: 'LOCKSTEP_DEFAULT_PHASE',
  /** How long an answer may take whether to restore. */
  restoreTimeoutSeconds: 'LOCKSTEP_RESTORE_TIMEOUT_SECONDS',
  eventBusName: 'LOCKSTEP_EVENT_BUS_NAME',
  /** JSON: who is told the verdict, beside the event bus; receiversSchema. */
  receivers: 'LOCKSTEP_RECEIVERS',
  stateMachineArn: 'LOCKSTEP_STATE_MACHINE_ARN',
  /** Where reports are kept, and what the keys begin with; only for the function that does it. */
  reportBucket: 'LOCKSTEP_REPORT_BUCKET',
  reportPrefix: 'LOCKSTEP_REPORT_PREFIX',
  /** Program of the foreign command that runs in a task, without folder and arguments. Absent: Lockstep migrates itself. */
  foreignCommand: 'LOCKSTEP_COMMAND',
  /** How long one task may take; absent where there are no tasks. */
  taskTimeoutSeconds: 'LOCKSTEP_TASK_TIMEOUT_SECONDS',
  /** Of a task only: its input as JSON. */
  taskInput: 'LOCKSTEP_TASK_INPUT',
} as const;
