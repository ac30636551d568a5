import { baseline as recordBaseline } from '../engine/index.ts';
import { newHolder, openLeases, openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

export async function baseline(
  context: CommandContext<{ readonly revision: string }>,
): Promise<CommandResult> {
  const target = targetContext(context);
  const source = await openSource(context.options);
  const leases = await openLeases(target.lease);
  const { revision } = context.options;
  const { baselined } = await recordBaseline({ ...target, source, leases, holder: newHolder(), revision });
  return {
    text:
      baselined.length === 0
        ? `Nothing to record: the ledger of ${target.target} begins with this baseline already.`
        : [
            `Recorded ${count(baselined.length, 'migration')} as there already in ${target.target}, without running:`,
            ...baselined.map((n) => `  ${n}`),
          ].join('\n'),
    json: { target: target.target, baselined },
  };
}
