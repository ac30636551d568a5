/** What acts and scenarios share: the runtime, the printed page, the promises, and what all of them have to do. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileBundle } from '../../core/plan/compile/index.ts';
import { type MigrationSource, migrationName } from '../../core/plan/index.ts';
import { EventType, type Verdict } from '../../core/rollout/index.ts';
import { openSource } from '../../settings/index.ts';
import type { AppInstance } from '../app-instances.ts';
import type { Deployment } from '../local-cloud.ts';
import type { LocalRuntime } from '../runtime.ts';
import type { ExecutionOutcome, LocalExecution } from '../state-machine.ts';
import type { Narrator } from './narrator.ts';
import type { Promises } from './promises.ts';

export interface Stage {
  readonly runtime: LocalRuntime;
  readonly narrator: Narrator;
  readonly promises: Promises;
}

/** With instances of an app. */
export interface AppStage extends Stage {
  /** Answered by every instance of the app for GET /healthz. */
  readonly probeSql: string;
  /** Those that serve; filled by the first act. */
  readonly instances: AppInstance[];
}

/** A set of migrations, compiled: what a release brings. */
export interface Release {
  readonly source: MigrationSource;
  readonly names: readonly string[];
  readonly bundleFile: string;
}

/** Throws LS103, LS2xx. */
export async function compileRelease({ runtime }: Stage, name: string, migrations: string): Promise<Release> {
  const source = await openSource({ migrations });
  const bundleFile = join(runtime.directory, `${name}.bundle.json`);
  await writeFile(bundleFile, JSON.stringify(await compileBundle(source)));
  return { source, names: source.catalog.map(migrationName), bundleFile };
}

export interface Run {
  readonly name: string;
  readonly arn: string;
  /** As they were entered; one that was tried again is there once. */
  readonly states: readonly string[];
  readonly outcome: ExecutionOutcome;
  readonly functionCalls: number;
  /** What was put on the event bus for this run. */
  readonly signals: readonly string[];
  /** The detail of the first signal: any other is a repeat. */
  readonly verdict: Verdict | undefined;
}

/** One execution of the state machine with the release's functions, shown live. */
export async function runWorkflow(stage: Stage, { bundleFile }: Release): Promise<Run> {
  const deployment = stage.runtime.cloud.deploy(bundleFile);
  return endOf(stage, deployment, startRun(stage, deployment));
}

export const startRun = ({ narrator }: Stage, { start }: Deployment): LocalExecution =>
  start({}, narrator.states('workflow'));

/** What came of an execution, when it has ended. */
export async function endOf(
  { runtime }: Stage,
  { functions }: Deployment,
  execution: LocalExecution,
): Promise<Run> {
  const outcome = await execution.outcome;
  const events = runtime.cloud.eventBus.events.filter(
    ({ detail }) => (detail as Verdict).run === execution.name,
  );
  const verdict = events[0]?.detail as Verdict | undefined;
  const signals = events.map(({ detailType }) => detailType);
  return {
    name: execution.name,
    arn: execution.arn,
    states: execution.events.filter(({ kind }) => kind === 'entered').map(({ state }) => state),
    outcome,
    functionCalls: functions.calls,
    signals,
    verdict,
  };
}

export const rollOutSignalled = ({ signals }: Run): boolean =>
  signals.length > 0 && signals.every((signal) => signal === EventType.rollOut);
export const rollBackSignalled = ({ signals }: Run): boolean =>
  signals.length > 0 && signals.every((signal) => signal === EventType.rollBack);
