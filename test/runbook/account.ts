/** A coordinator on the local runtime, and what a person on call does with its runs. */
import { expect, vi } from 'vitest';
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

/** Until a state of the run is entered, tried again, failed or left. */
export const until = (run: LocalExecution, kind: string, state: string): Promise<unknown> =>
  vi.waitUntil(() => run.events.some((event) => event.kind === kind && event.state === state), {
    timeout: LONG_MS,
    interval: 20,
  });

/** A command, called as the page says that it is for a coordinator on AWS. */
export function command(coordinator: LocalCoordinator, line: string): Promise<Ended> {
  const { url, cloud, target } = coordinator;
  const lease = ['--lease', `dynamodb://${cloud.workflow.leaseTable.TableName}`, '--target', target];
  return lockstep([...line.split(' '), ...lease], { ...cloud.environment, DATABASE_URL: url });
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
 * The machines try again as they would, but after a second each time, and twice: what lies between two tries is the
 * same, and nobody waits half an hour for it.
 */
export function impatient({ cloud: { workflow } }: LocalCoordinator): void {
  for (const machine of [workflow, workflow.afterRollOut])
    for (const state of Object.values(machine?.definition.States ?? {}))
      for (const retrier of 'Retry' in state ? (state.Retry ?? []) : [])
        Object.assign(retrier, { IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 2 });
}
