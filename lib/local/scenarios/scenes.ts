/** What several scenarios do, or promise. */
import { join } from 'node:path';
import { SFNClient } from '@aws-sdk/client-sfn';
import { systemClock } from '../../adapters/process/clock.ts';
import { migrate } from '../../engine/index.ts';
import { REGION } from '../aws/service.ts';
import { queryRows } from '../database-client.ts';
import { historyOf, leaseIsFree, withLeases } from '../demo/ledger.ts';
import { type Files, makeRelease } from '../demo/releases.ts';
import { runError } from '../demo/run-error.ts';
import { compileRelease, type Release, type Run, type Stage } from '../demo/stage.ts';
import { list } from '../demo/words.ts';

export interface ScenarioRelease extends Release {
  /** Its directory. */
  readonly migrations: string;
}

/** Writes and compiles a release; `name` is free within the scenario. */
export async function release(stage: Stage, name: string, files: Files): Promise<ScenarioRelease> {
  const migrations = await makeRelease(join(stage.runtime.directory, name), files);
  return { migrations, ...(await compileRelease(stage, name, migrations)) };
}

/** As by the command, under the same lease. */
export async function applyWithCommand(stage: Stage, name: string, files: Files): Promise<void> {
  const { database, signal } = stage.runtime;
  const { source } = await release(stage, name, files);
  await withLeases(stage, (leases) =>
    migrate({
      database,
      target: database.database,
      source,
      leases,
      leaseDurationMs: 10_000,
      leaseWaitMs: 10_000,
      holder: 'somebody:1:command',
      clock: systemClock,
      signal,
    }),
  );
}

/** What the run tells whoever opens it. */
export function showVerdict({ narrator }: Stage, { verdict }: Run): void {
  if (verdict) narrator.tell('verdict', `${verdict.message} ${verdict.state} ${verdict.next}`);
}

/** The same of a run that failed, as the command line shows an error. */
export async function showFailure({ narrator }: Stage, { verdict }: Run, migrations: string) {
  const error = verdict && (await runError(verdict, migrations));
  if (error) narrator.showError(error);
  return error;
}

/** For what people do in the console, or with the AWS CLI. */
export function stepFunctions({ runtime }: Stage): SFNClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SFNClient({ endpoint: runtime.cloud.endpoints.aws, region: REGION, credentials });
  runtime.disposers.add(async () => client.destroy());
  return client;
}

/** Of the app, in the order of their names. */
export async function tablesOf({ runtime }: Stage): Promise<string[]> {
  const sql = `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`;
  return (await queryRows<{ relname: string }>(runtime.database, sql)).map(({ relname }) => relname);
}

/** Every entry of the ledger, as `0001 applied`. */
export const entriesOf = async (stage: Stage): Promise<string[]> =>
  (await historyOf(stage)).map(({ revision, kind }) => `${revision} ${kind}`);

/** A list that has to be just so. */
export function checkList(
  { promises }: Stage,
  promise: string,
  found: readonly string[],
  expected: readonly string[],
): void {
  promises.check(promise, found.join() === expected.join(), list(found));
}

export function checkEnd(
  { promises }: Stage,
  { outcome, signals }: Run,
  status: 'SUCCEEDED' | 'FAILED' | 'ABORTED',
  signal: 'Roll Out' | 'Roll Back',
): void {
  promises.check(
    `the run ended as ${status}, and ${signal.toLowerCase()} was signalled once`,
    outcome.status === status && signals.join() === `Lockstep ${signal}`,
    `${outcome.status}, ${list(signals)}`,
  );
}

export async function checkLeaseIsFree(stage: Stage): Promise<void> {
  stage.promises.check('the lease is free', await leaseIsFree(stage));
}
