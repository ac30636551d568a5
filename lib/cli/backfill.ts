import { pauseBackfills, type RunningBackfill, readRunningBackfills } from '../engine/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { table } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

interface Chosen {
  readonly revision?: string;
}

export const backfillPause = (context: CommandContext<Chosen>): Promise<CommandResult> => set(context, true);
export const backfillResume = (context: CommandContext<Chosen>): Promise<CommandResult> =>
  set(context, false);

async function set(context: CommandContext<Chosen>, paused: boolean): Promise<CommandResult> {
  const target = targetContext(context);
  const revisions = await pauseBackfills(target, paused, context.options.revision);
  const list = revisions.join(', ');
  return {
    text: paused
      ? `Back-fill ${list} waits after its current batch, until it is resumed.`
      : `Back-fill ${list} goes on; if nobody runs it any more, \`lockstep up\` does.`,
    json: { target: target.target, revisions, paused },
  };
}

export async function backfillStatus(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const backfills = await readRunningBackfills(target);
  return {
    text:
      backfills.length === 0
        ? `No back-fill is under way in ${target.target}.`
        : table(backfills.map(row)).join('\n'),
    json: { target: target.target, backfills },
  };
}

const row = ({ revision, paused, keys, cursor, batchSize, at }: RunningBackfill): string[] => [
  revision,
  paused ? 'paused' : 'goes on',
  `${keys} rows looked at`,
  cursor ? `up to ${cursor.join(', ')}` : 'not begun',
  `${batchSize ?? 0} at a time`,
  `last batch ${at}`,
];
