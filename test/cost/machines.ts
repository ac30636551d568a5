/** The machines whose runs are counted, as the documents' tables have them; and the engine that they are compared with. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunOptions, StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import type { Definition, Machines, Script, Walk } from '../../lib/cost/index.ts';
import { synthesizeMachines } from '../../lib/cost/synthesize.ts';

export function newMachines(): Machines {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-cost-'));
  try {
    return synthesizeMachines(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What is charged as a transition, in order: `entered Plan`, `retried Plan`. */
export const chargedIn = ({ visits }: Pick<Walk, 'visits'>): string[] =>
  visits.flatMap(({ state, tries }) => [`entered ${state}`, ...tries.slice(1).map(() => `retried ${state}`)]);

/** The same, by the engine of the local runtime, with the script's answers; waits and retries take no time. */
export async function chargedByEngine(definition: Definition, script: Script): Promise<string[]> {
  const names = Object.keys(definition.States);
  const handler = (state: string) => async (data: unknown) => {
    const answer = await script({ state, data: data as Record<string, unknown> });
    if ('error' in answer) throw Object.assign(new Error('as the script says'), { name: answer.error });
    return answer.result;
  };
  const run = new StateMachine(definition as unknown as StateMachineDefinition).run(
    {},
    {
      context: { Execution: { Id: 'arn', Name: 'run' } } as NonNullable<RunOptions['context']>,
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(names.map((name) => [name, handler(name)])) as never,
        waitTimeOverrides: Object.fromEntries(names.map((name) => [name, 0])),
        retryIntervalOverrides: Object.fromEntries(names.map((name) => [name, 0])),
      },
    },
  );
  run.result.catch(() => undefined);
  const charged: string[] = [];
  for await (const event of run.eventLogs) {
    if (event.type === 'StateEntered') charged.push(`entered ${event.state.name}`);
    if (event.type === 'StateRetried') charged.push(`retried ${event.state.name}`);
  }
  return charged;
}
