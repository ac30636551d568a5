import type { AppInstance } from '../core/plan/index.ts';
import { addInstance, readInstances, removeInstance } from '../engine/index.ts';
import { newHolder, openLeases, openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count, duration, table } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

export async function instancesList(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const instances = await readInstances(target);
  const text =
    instances.length === 0
      ? `No instance of an app is recorded in ${target.target}.`
      : table(instances.map(row)).join('\n');
  return { text, json: { target: target.target, instances } };
}

const row = ({ name, head, source, alive, silentMs, heardAt }: AppInstance): string[] => [
  name,
  `head ${head}`,
  source === 'deployer' ? `recorded ${heardAt}` : `heard ${duration(silentMs)} ago`,
  alive ? 'alive' : 'gone',
];

interface Added {
  readonly name: string;
  readonly head?: string;
}

/** Without a head it was built with the migrations at hand. */
export async function instancesAdd(context: CommandContext<Added>): Promise<CommandResult> {
  const target = targetContext(context);
  const { name, head: given } = context.options;
  const built = given ?? (await openSource(context.options));
  const leases = await openLeases(target.lease);
  const head = await addInstance({ ...target, leases, holder: newHolder(), name, built });
  return {
    text: `Recorded ${name} with head ${head}, until \`lockstep instances remove ${name}\`.`,
    json: { target: target.target, name, head },
  };
}

export async function instancesRemove(
  context: CommandContext<{ readonly name: string }>,
): Promise<CommandResult> {
  const target = targetContext(context);
  const { name } = context.options;
  const removed = await removeInstance(target, name);
  return {
    text:
      removed === 0
        ? `No instance ${name} is recorded in ${target.target}.`
        : `Removed ${count(removed, 'record')} of ${name}.`,
    json: { target: target.target, name, removed },
  };
}
