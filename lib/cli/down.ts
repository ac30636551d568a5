import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type { RevertRequest } from '../core/plan/index.ts';
import { revertAll } from '../engine/index.ts';
import { newHolder, openLeases } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

interface DownOptions {
  /** Of `-N`. */
  readonly count?: number;
  readonly to?: string;
}

export async function down(context: CommandContext<DownOptions>): Promise<CommandResult> {
  const request = requestOf(context.options);
  const target = targetContext(context);
  const leases = await openLeases(target.lease);
  const { reverted, token } = await revertAll({ ...target, leases, holder: newHolder(), request });
  return {
    text:
      reverted.length === 0
        ? `Nothing to revert in ${target.target}.`
        : [
            `Reverted ${count(reverted.length, 'migration')} in ${target.target}:`,
            ...reverted.map((n) => `  ${n}`),
          ].join('\n'),
    json: { target: target.target, reverted, token },
  };
}

function requestOf({ count: howMany, to }: DownOptions): RevertRequest {
  if (howMany !== undefined && to === undefined) return { kind: 'count', count: howMany };
  if (to !== undefined && howMany === undefined) return { kind: 'to', revision: to };
  throw new LockstepError('LS101', {
    what: 'How much is to be reverted is not said, or said twice.',
    state: NOTHING_CHANGED,
    remedy: 'Give either -N, such as `lockstep down -1`, or --to with the revision that stays.',
  });
}
