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
  readonly run?: string;
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

function requestOf({ count: howMany, to, run }: DownOptions): RevertRequest {
  const asked: RevertRequest[] = [];
  if (howMany !== undefined) asked.push({ kind: 'count', count: howMany });
  if (to !== undefined) asked.push({ kind: 'to', revision: to });
  if (run !== undefined) asked.push({ kind: 'run', runId: run });
  const [request] = asked;
  if (request && asked.length === 1) return request;
  throw new LockstepError('LS101', {
    what: 'How much is to be reverted is not said, or said twice.',
    state: NOTHING_CHANGED,
    remedy:
      'Give one of -N, such as `lockstep down -1`, --to with the revision that stays, and --run with the run that is taken back.',
  });
}
