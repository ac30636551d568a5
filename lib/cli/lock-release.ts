import { forceReleaseLock } from '../engine/index.ts';
import { newHolder, openLeases } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { targetContext } from './frame/target-context.ts';

/** The grammar demands --force. */
export async function lockRelease(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const leases = await openLeases(target.lease);
  const { lease, endedSession } = await forceReleaseLock({ ...target, leases, holder: newHolder() });
  const freed = lease?.state === 'HELD' ? lease : undefined;
  return {
    text: [
      freed
        ? `Freed the lease on ${target.target}, which ${freed.holder} held (token ${freed.token}).`
        : `The lease on ${target.target} was free.`,
      endedSession === null
        ? 'No session held the advisory lock.'
        : `Ended session ${endedSession}, which held the advisory lock.`,
    ].join('\n'),
    json: { target: target.target, freedFrom: freed?.holder ?? null, endedSession },
  };
}
