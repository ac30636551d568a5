import { readStatus } from '../engine/index.ts';
import { openLeases } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { table } from './frame/format.ts';
import { forcedLine, heldBy, leaseLine, lockLine, standoffLines } from './frame/lock-lines.ts';
import { targetContext } from './frame/target-context.ts';

export async function lockStatus(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const found = await readStatus({ ...target, leases: await openLeases(target.lease) });
  const { lease, lock, standoff, lastForcedRelease } = found;
  return {
    text: table([
      ['Lease', leaseLine(lease)],
      ['Lock', lockLine(lock)],
      ...standoffLines(standoff),
      ...(lastForcedRelease ? [['By force', forcedLine(lastForcedRelease)]] : []),
    ]).join('\n'),
    json: {
      target: target.target,
      held: heldBy(found) !== undefined,
      lease: lease ?? null,
      lock,
      standoff,
      lastForcedRelease,
    },
  };
}
