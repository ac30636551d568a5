/** A coordinator on the local runtime, and what a person on call does with its runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import type { ErrorCode } from '../../lib/core/errors/index.ts';
import type { LocalExecution } from '../../lib/local/index.ts';
import { type Ended, lockstep } from '../cli/command-line.ts';
import type { LocalCoordinator } from '../e2e/local-workflow.ts';
import { says } from './ward.ts';

/** For states that wait, and on a busy machine. */
export const LONG_MS = 120_000;

/** Gives the cause: the code, and three sentences. */
export async function failsWith(code: ErrorCode, run: LocalExecution): Promise<string> {
  const outcome = await run.outcome;
  expect(outcome).toMatchObject({
    status: 'FAILED',
    cause: expect.stringMatching(new RegExp(`^${code}: \\S.*\\. \\S.*\\. \\S.*\\.$`, 's')),
  });
  return (outcome as Extract<typeof outcome, { status: 'FAILED' }>).cause;
}

export async function succeeds(run: LocalExecution): Promise<void> {
  expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED', output: { signal: 'ROLL_OUT' } });
}

/** Until a state of the run is entered, tried again, failed or left; throws when the run ends before that. */
export async function until(run: LocalExecution, kind: string, state: string): Promise<void> {
  let outcome: unknown;
  void run.outcome.then((ended) => {
    outcome = ended;
  });
  while (!run.events.some((event) => event.kind === kind && event.state === state)) {
    if (outcome) throw new Error(`${state} was not ${kind} before the run ended: ${JSON.stringify(outcome)}`);
    await sleep(20);
  }
}

/** The options of the page for a coordinator on AWS. */
export const leaseOf = ({ cloud, target }: LocalCoordinator): readonly string[] => [
  '--lease',
  `dynamodb://${cloud.workflow.leaseTable.TableName}`,
  '--target',
  target,
];

/** A command, called as the page says that it is for a coordinator on AWS. */
export function command(coordinator: LocalCoordinator, line: string): Promise<Ended> {
  const { url, cloud } = coordinator;
  return lockstep([...line.split(' '), ...leaseOf(coordinator)], { ...cloud.environment, DATABASE_URL: url });
}

/** The same, as it is printed in the section, with values for its words in capitals; it has to succeed. */
export async function printed(
  coordinator: LocalCoordinator,
  heading: Parameters<typeof says>[0],
  line: string,
  values: Readonly<Record<string, string>> = {},
): Promise<string> {
  says(heading, `\`lockstep ${line}\``);
  const filled = Object.entries(values).reduce((text, [word, value]) => text.replace(word, value), line);
  const ended = await command(coordinator, filled);
  expect(ended, filled).toMatchObject({ exitCode: 0 });
  return ended.stdout;
}

/**
 * The machines try again as they would, but after a second, and once: what lies between two tries is the
 * same, and nobody waits half an hour for it.
 */
export function impatient({ cloud: { workflow } }: Pick<LocalCoordinator, 'cloud'>): void {
  for (const machine of [workflow, workflow.afterRollOut])
    for (const state of Object.values(machine?.definition.States ?? {}))
      for (const retrier of 'Retry' in state ? (state.Retry ?? []) : [])
        Object.assign(retrier, { IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 1 });
}

/** What a migration or a command waits for, until `open`. */
export const GATED_SQL = 'SELECT pg_advisory_xact_lock(4713);';
const WAITING = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4713 AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

export interface Gate {
  isWaitedFor(): Promise<void>;
  open(): Promise<void>;
}

/** In a session of its own, which ends with the test. */
export async function closeGate({ url, query }: LocalCoordinator): Promise<Gate> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query('SELECT pg_advisory_lock(4713)');
  return {
    async isWaitedFor() {
      while ((await query(WAITING)).length === 0) await sleep(20);
    },
    open: async () => void (await client.query('SELECT pg_advisory_unlock(4713)')),
  };
}
