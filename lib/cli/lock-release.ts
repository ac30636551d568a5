import { forceReleaseLock } from '../engine/index.ts';
import { newHolder, openLeases } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { targetContext } from './frame/target-context.ts';

const AFTERWARDS =
  'What the holder still sends is not accepted; the next run has a new token and goes on after what is applied.';

const RECORDED = 'Recorded in the ledger; `lockstep lock status` shows it.';
const NOT_RECORDED = 'Not recorded: there is no ledger, or this login may not write it.';

/** The grammar demands --force. */
export async function lockRelease(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const leases = await openLeases(target.lease);
  const { lease, endedSession, recorded } = await forceReleaseLock({
    ...target,
    leases,
    holder: newHolder(),
  });
  const freed = lease?.state === 'HELD' ? lease : undefined;
  return {
    text: [
      freed
        ? `Freed the lease on ${target.target}, which ${freed.holder} held (token ${freed.token}).`
        : `The lease on ${target.target} was free.`,
      endedSession === null
        ? 'No session held the advisory lock.'
        : `Ended session ${endedSession}, which held the advisory lock: PostgreSQL rolls back what it was in the middle of.`,
      ...(freed || endedSession !== null ? [AFTERWARDS, recorded ? RECORDED : NOT_RECORDED] : []),
    ].join('\n'),
    json: { target: target.target, freedFrom: freed?.holder ?? null, endedSession, recorded },
  };
}
