import { readStatus } from '../engine/index.ts';
import { openLeases } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { table } from './frame/format.ts';
import { heldBy, leaseLine, lockLine, standoffLines } from './frame/lock-lines.ts';
import { targetContext } from './frame/target-context.ts';

export async function lockStatus(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const found = await readStatus({ ...target, leases: await openLeases(target.lease) });
  const { lease, lock, standoff } = found;
  return {
    text: table([['Lease', leaseLine(lease)], ['Lock', lockLine(lock)], ...standoffLines(standoff)]).join(
      '\n',
    ),
    json: { target: target.target, held: heldBy(found) !== undefined, lease: lease ?? null, lock, standoff },
  };
}
