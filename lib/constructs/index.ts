/**
 * CDK constructs: everything that runs in an AWS account.
 *
 * MigrationCoordinator
 *   ├ LeaseTable            one item per database, kept when the stack goes
 *   ├ Bundle                layer with the compiled migrations
 *   ├ Functions             one per state, each with its own role and log group
 *   ├ LongRunning           on request: container, role and log group of what is too long for a function
 *   ├ Runner                or the same of another migrator
 *   ├ Reports               on request: bucket and function of the pages about runs
 *   ├ Workflow              state machine, clean-up rule, dead letters
 *   ├ AfterRollOut          on request: state machine and functions that follow a roll-out
 *   ├ Deployers             who is told the verdict, who may ask for a run; made as they are asked for
 *   ├ Alarms, Dashboard     each alarm names its section of the runbook
 *   └ SecurityGroup, endpoints   for the functions that use the database; the others stay outside the VPC
 *
 * Invariants
 * - Names of states, functions, errors, events, metrics and environment variables come from lib/core, where the
 *   functions get them, too. No logic of Lockstep is in the constructs.
 * - No role may do more than its function does; `*` as a resource only where AWS has nothing narrower, with the
 *   reason beside it (acknowledgeWildcard).
 * - No secret is in a template, an environment variable or the state machine.
 *
 * What can fail at synth: properties that do not fit together, migrations that do not compile, isolated subnets
 * without a word about endpoints; each says what to write instead.
 */

export type { AfterRollOutOptions } from './after-roll-out-options.ts';
export type { ApprovalOptions } from './approval.ts';
export type { MigrationCoordinatorProps } from './coordinator-props.ts';
export type { DatabaseLogin, MigrationDatabase, PlainDatabase } from './database.ts';
export type { ApprovalAddress, Deployers } from './deployers.ts';
export type { EcsService, PauseHookOptions } from './ecs-service.ts';
export type { FollowedDeploymentGroup, FollowedService, WhatIsDeployed } from './followed.ts';
export type { LongRunningOptions } from './long-running.ts';
export { MigrationCoordinator } from './migration-coordinator.ts';
export type { PipelineActionOptions } from './pipeline-action.ts';
export type { PublishedBundles } from './published-bundles.ts';
export type { RehearsalOptions } from './rehearsals.ts';
export type { ReportOptions } from './reports.ts';
export type { RunnerOptions } from './runner.ts';
export type { VerdictReceivers } from './verdict-receivers.ts';
