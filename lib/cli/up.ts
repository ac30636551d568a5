import { setImmediate } from 'node:timers/promises';
// Not from the index of the engine: until the connection is being made only that is loaded that makes it.
import { whileConnecting } from '../engine/while-connecting.ts';
import { newHolder, openLeases, openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { targetContext } from './frame/target-context.ts';
import { askedOf, type UpOptions } from './up-options.ts';

export async function up(context: CommandContext<UpOptions>): Promise<CommandResult> {
  if (context.options.dryRun) return (await import('./dry-run.ts')).dryRun(context);
  const target = targetContext(context);
  const prepare = async () => {
    // The connection is begun first; the server works on it while code and files are read here.
    await setImmediate();
    const { applyAsked } = await import('./up-result.ts');
    return {
      applyAsked,
      source: await openSource(context.options),
      leases: await openLeases(target.lease),
    };
  };
  const asked = { ...target, holder: newHolder(), ...askedOf(context.options) };
  return whileConnecting(target, prepare, ({ applyAsked, ...prepared }, opening) =>
    applyAsked({ ...asked, ...prepared, opening }),
  );
}
