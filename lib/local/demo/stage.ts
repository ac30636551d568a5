/** What the acts share: the runtime, the printed page, the promises, and what all of them have to do. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileBundle } from '../../core/plan/compile/index.ts';
import { type MigrationSource, migrationName } from '../../core/plan/index.ts';
import { EventType, type Verdict } from '../../core/rollout/index.ts';
import { openSource } from '../../settings/index.ts';
import type { AppInstance } from '../app-instances.ts';
import type { LocalRuntime } from '../runtime.ts';
import type { ExecutionOutcome } from '../state-machine.ts';
import type { Narrator } from './narrator.ts';
import type { Promises } from './promises.ts';

export interface Stage {
  readonly runtime: LocalRuntime;
  readonly narrator: Narrator;
  readonly promises: Promises;
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
  readonly outcome: ExecutionOutcome;
  readonly functionCalls: number;
  /** What was put on the event bus for this run. */
  readonly signals: readonly string[];
  /** The detail of the first signal: any other is a repeat. */
  readonly verdict: Verdict | undefined;
}

/** One execution of the state machine with the release's functions, shown live. */
export async function runWorkflow({ runtime, narrator }: Stage, { bundleFile }: Release): Promise<Run> {
  const { functions, start } = runtime.cloud.deploy(bundleFile);
  const execution = start({}, narrator.states('workflow'));
  const outcome = await execution.outcome;
  const events = runtime.cloud.eventBus.events.filter(
    ({ detail }) => (detail as Verdict).run === execution.name,
  );
  const verdict = events[0]?.detail as Verdict | undefined;
  const signals = events.map(({ detailType }) => detailType);
  return {
    name: execution.name,
    arn: execution.arn,
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
