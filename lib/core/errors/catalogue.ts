/**
 * Every error that Lockstep shows, as data: a stable code, the class name under which a state machine's
 * Catch sees it, the exit code of the command line, and whether the same call may simply be made again.
 *
 * Codes are never reused and never change their meaning; docs/runbook.md has one section for each.
 */

/** Names under which errors reach Step Functions' Retry and Catch. The constructs import these, too. */
export const ErrorName = {
  Usage: 'UsageError',
  Configuration: 'ConfigurationError',
  Bundle: 'BundleError',
  /** Apart from Bundle, because asking again may help. */
  BundleStore: 'BundleStoreError',
  DatabaseUnavailable: 'DatabaseUnavailableError',
  DatabaseRefused: 'DatabaseRefusedError',
  LeaseUnavailable: 'LeaseUnavailableError',
  /** Apart from LeaseUnavailable, because a Retry sees only the name and waiting in vain must not be retried. */
  LeaseStore: 'LeaseStoreError',
  LeaseLost: 'LeaseLostError',
  StaleAttempt: 'StaleAttemptError',
  Drift: 'DriftError',
  PlanStale: 'PlanStaleError',
  Contract: 'ContractRefusedError',
  MigrationFailed: 'MigrationFailedError',
  Interrupted: 'InterruptedError',
  RestorePoint: 'RestorePointError',
  Signal: 'SignalError',
  Start: 'StartError',
  Approval: 'ApprovalError',
  RollOut: 'RollOutError',
  Rehearsal: 'RehearsalError',
  Report: 'ReportError',
  Internal: 'InternalError',
} as const;
export type ErrorName = (typeof ErrorName)[keyof typeof ErrorName];

/** Exit codes of the command line, documented in `lockstep --help` and docs/cli.md. */
export const ExitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  leaseTimeout: 3,
  drift: 4,
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

interface CatalogueEntry {
  readonly name: ErrorName;
  readonly exit: ExitCode;
  readonly retryable: boolean;
  readonly title: string;
}

const entry = (name: ErrorName, exit: ExitCode, title: string, retryable = false): CatalogueEntry => ({
  name,
  exit,
  retryable,
  title,
});

const { failed, usage, leaseTimeout, drift, interrupted } = ExitCode;

export const CATALOGUE = {
  LS101: entry(ErrorName.Usage, usage, 'the command line is not understood'),
  LS102: entry(ErrorName.Configuration, usage, 'a setting is missing or not understood'),
  LS103: entry(ErrorName.Configuration, usage, 'the migrations directory cannot be read'),
  LS104: entry(ErrorName.Configuration, usage, 'a package that this command needs is not installed'),
  LS201: entry(ErrorName.Bundle, usage, 'a file name is not understood'),
  LS202: entry(ErrorName.Bundle, usage, 'two files have the same revision'),
  LS203: entry(ErrorName.Bundle, usage, 'a file is not UTF-8 text'),
  LS204: entry(ErrorName.Bundle, usage, 'a file has a syntax error'),
  LS205: entry(ErrorName.Bundle, usage, 'a file begins or ends a transaction by itself'),
  LS206: entry(ErrorName.Bundle, usage, 'the directory has no migrations'),
  LS207: entry(ErrorName.Bundle, usage, 'a directive is not understood'),
  LS208: entry(ErrorName.Bundle, usage, 'a statement cannot be run by Lockstep'),
  LS209: entry(ErrorName.Bundle, usage, 'a bundle is damaged or of another format'),
  LS210: entry(ErrorName.Bundle, usage, 'a down file has no migration'),
  LS211: entry(ErrorName.Bundle, usage, 'a repeatable object cannot be applied in one transaction'),
  LS213: entry(ErrorName.Bundle, usage, 'a file is too large'),
  LS214: entry(ErrorName.Bundle, failed, 'a published bundle is not there'),
  LS215: entry(ErrorName.Bundle, failed, 'a published bundle cannot be read'),
  LS216: entry(ErrorName.Bundle, failed, 'a published bundle has another digest'),
  LS217: entry(ErrorName.Bundle, failed, 'a published bundle is not signed'),
  LS218: entry(ErrorName.Bundle, failed, "a published bundle's signature is wrong"),
  LS219: entry(ErrorName.Bundle, failed, 'a bundle is too large to be published'),
  LS301: entry(ErrorName.DatabaseUnavailable, failed, 'the database does not answer', true),
  LS302: entry(ErrorName.DatabaseRefused, failed, 'the database refuses the login'),
  LS303: entry(ErrorName.DatabaseRefused, failed, "the server's certificate cannot be verified"),
  LS304: entry(ErrorName.DatabaseRefused, failed, 'the connection goes through a transaction pooler'),
  LS305: entry(ErrorName.DatabaseRefused, failed, 'the database is read-only'),
  LS306: entry(ErrorName.DatabaseRefused, failed, 'the role lacks a privilege'),
  LS307: entry(ErrorName.DatabaseRefused, failed, 'the ledger was written by a newer Lockstep'),
  LS308: entry(ErrorName.DatabaseRefused, failed, 'the database does not exist'),
  LS309: entry(ErrorName.DatabaseRefused, failed, 'the server is too old'),
  LS310: entry(ErrorName.DatabaseRefused, failed, 'a database is not created through a pooler'),
  LS311: entry(ErrorName.DatabaseRefused, failed, 'the database could not be created'),
  LS401: entry(ErrorName.LeaseUnavailable, leaseTimeout, 'the lease was not obtained in time'),
  LS402: entry(ErrorName.LeaseLost, failed, 'the lease was lost'),
  LS403: entry(ErrorName.StaleAttempt, failed, 'a newer attempt has taken over'),
  LS404: entry(ErrorName.LeaseStore, failed, 'the lease store does not answer', true),
  LS405: entry(ErrorName.LeaseUnavailable, leaseTimeout, 'the schema was not ready in time'),
  LS501: entry(ErrorName.Drift, drift, 'an applied migration was edited'),
  LS502: entry(ErrorName.Drift, drift, 'a migration would be applied out of order'),
  LS503: entry(ErrorName.Drift, drift, 'an applied migration is missing from the bundle'),
  LS504: entry(ErrorName.Usage, usage, 'the revision or run asked for is not known'),
  LS505: entry(ErrorName.PlanStale, failed, 'someone migrated since the plan was made'),
  LS506: entry(ErrorName.Drift, drift, 'the ledger has a history already'),
  LS508: entry(ErrorName.Drift, failed, 'the database is not as the ledger says'),
  LS510: entry(
    ErrorName.Contract,
    failed,
    'older app instances may need what a contract migration takes away',
  ),
  LS511: entry(ErrorName.Drift, drift, 'a contract migration would run before one below it'),
  LS512: entry(ErrorName.MigrationFailed, failed, 'later migrations build on what is to be reverted'),
  LS601: entry(ErrorName.MigrationFailed, failed, 'a migration failed'),
  LS602: entry(ErrorName.MigrationFailed, failed, 'a migration ended its own transaction'),
  LS603: entry(ErrorName.MigrationFailed, failed, 'the outcome of a statement cannot be told'),
  LS604: entry(ErrorName.MigrationFailed, failed, 'a statement does not fit into the time allowed'),
  LS605: entry(ErrorName.Interrupted, interrupted, 'interrupted'),
  LS606: entry(ErrorName.MigrationFailed, failed, 'a migration cannot be reverted'),
  LS607: entry(ErrorName.MigrationFailed, failed, 'a revert is half done'),
  LS608: entry(ErrorName.MigrationFailed, failed, 'a migration changed its session'),
  LS609: entry(ErrorName.MigrationFailed, failed, 'a back-fill has no usable key'),
  LS610: entry(ErrorName.MigrationFailed, failed, 'a lock was not obtained in time'),
  LS611: entry(ErrorName.LeaseUnavailable, leaseTimeout, 'the ledger is locked by another session'),
  LS612: entry(ErrorName.Drift, drift, 'a migration that is half applied is missing'),
  LS613: entry(ErrorName.MigrationFailed, failed, 'a statement had no effect'),
  LS614: entry(ErrorName.MigrationFailed, failed, 'a migration would fail'),
  LS615: entry(ErrorName.Bundle, usage, "a task's image has other migrations than the plan"),
  LS616: entry(ErrorName.MigrationFailed, failed, 'tasks end without having finished a migration'),
  LS617: entry(ErrorName.MigrationFailed, failed, 'the run that this one waited for failed'),
  LS701: entry(ErrorName.RestorePoint, failed, 'the restore point could not be taken'),
  LS702: entry(ErrorName.Signal, failed, 'the signal could not be sent', true),
  LS703: entry(ErrorName.Start, failed, 'a run could not be started', true),
  LS704: entry(ErrorName.RollOut, failed, 'a roll-out could not be followed'),
  LS705: entry(ErrorName.RollOut, failed, 'a deployment could not be sent back'),
  LS706: entry(ErrorName.RollOut, failed, 'a roll-out was unhealthy'),
  LS710: entry(ErrorName.Approval, failed, 'the plan was refused'),
  LS711: entry(ErrorName.Approval, failed, 'nobody approved the plan in time'),
  LS712: entry(ErrorName.Approval, failed, 'the request for approval could not be sent'),
  LS720: entry(ErrorName.RestorePoint, usage, 'how to bring the restore point back is not recorded'),
  LS730: entry(ErrorName.Configuration, usage, 'a bundle comes from where none is taken'),
  LS731: entry(ErrorName.BundleStore, failed, 'S3 or KMS does not answer', true),
  LS732: entry(ErrorName.Bundle, failed, "a published bundle's signature cannot be checked"),
  LS733: entry(ErrorName.Bundle, failed, 'a bundle could not be published'),
  LS734: entry(ErrorName.Bundle, failed, 'a bucket keeps no versions'),
  LS740: entry(ErrorName.Rehearsal, failed, 'a copy for a rehearsal could not be made'),
  LS741: entry(ErrorName.Rehearsal, usage, 'what is given as a copy is none'),
  LS742: entry(ErrorName.Rehearsal, failed, 'a migration fails on a copy'),
  LS743: entry(ErrorName.Rehearsal, failed, 'a rehearsal is over its budget'),
  LS744: entry(ErrorName.Rehearsal, usage, 'a file is not the result of a rehearsal'),
  LS745: entry(ErrorName.Rehearsal, failed, 'a plan was not rehearsed'),
  LS750: entry(ErrorName.Report, failed, 'the report of a run could not be kept'),
  LS751: entry(ErrorName.RestorePoint, failed, 'the restore point could not be brought back'),
  LS752: entry(ErrorName.RestorePoint, failed, 'nobody let the restore point be brought back'),
  LS801: entry(ErrorName.MigrationFailed, failed, 'a foreign command failed'),
  LS802: entry(ErrorName.MigrationFailed, failed, 'a foreign command was ended, or its end is not recorded'),
  LS803: entry(ErrorName.Configuration, usage, 'a foreign command could not be started'),
  LS804: entry(ErrorName.Configuration, usage, 'a foreign command was asked for what only Lockstep can do'),
  LS805: entry(ErrorName.MigrationFailed, failed, 'the task of a foreign command ended without a word'),
  LS806: entry(ErrorName.MigrationFailed, failed, 'the command of a run has been begun already'),
  LS901: entry(ErrorName.Internal, failed, 'Lockstep itself failed'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;
