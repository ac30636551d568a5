import { stamp as stampRevisions } from '../engine/index.ts';
import { newHolder, openLeases, openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

export async function stamp(
  context: CommandContext<{ readonly revisions: readonly string[] }>,
): Promise<CommandResult> {
  const target = targetContext(context);
  const source = await openSource(context.options);
  const leases = await openLeases(target.lease);
  const { revisions } = context.options;
  const { stamped } = await stampRevisions({ ...target, source, leases, holder: newHolder(), revisions });
  return {
    text:
      stamped.length === 0
        ? `Nothing to record: all of them are applied to ${target.target}.`
        : [
            `Recorded ${count(stamped.length, 'migration')} as applied to ${target.target}, without running:`,
            ...stamped.map((n) => `  ${n}`),
          ].join('\n'),
    json: { target: target.target, stamped },
  };
}
