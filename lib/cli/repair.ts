import { LockstepError } from '../core/errors/index.ts';
import {
  type Difference,
  type RefusedEdit,
  type RepairResult,
  repair as repairLedger,
} from '../engine/index.ts';
import { newHolder, openLeases, openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count, some } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';
import type { Paint } from './frame/terminal.ts';

export async function repair(
  context: CommandContext<{ readonly accept?: readonly string[] }>,
): Promise<CommandResult> {
  const target = targetContext(context);
  const source = await openSource(context.options);
  const leases = await openLeases(target.lease);
  const { accept = [] } = context.options;
  const result = await repairLedger({ ...target, source, leases, holder: newHolder(), accept });
  return {
    text: lines(result, target.target, context.terminal.out.paint).join('\n'),
    json: { target: target.target, ...result },
    error: refusal(result),
  };
}

function lines({ recorded, refused, orphaned }: RepairResult, target: string, paint: Paint): string[] {
  const all = [
    ...recordedLines(recorded, target),
    ...refused.flatMap((edit) => refusedLines(edit, paint)),
    ...orphaned.map(
      (revision) =>
        `Revision ${revision} broke off in the middle, and its file is gone: put it back, and \`lockstep up\` finishes it.`,
    ),
  ];
  return all.length > 0 ? all : [`Nothing to repair in ${target}: the files are what was applied.`];
}

const recordedLines = (recorded: RepairResult['recorded'], target: string): string[] =>
  recorded.length === 0
    ? []
    : [
        `Recorded ${count(recorded.length, 'edited file')} in ${target}, without running anything:`,
        ...recorded.map(
          ({ migration, accepted }) => `  ${migration}  ${accepted ? 'accepted' : 'layout or comments only'}`,
        ),
      ];

function refusedLines({ migration, revision, up, down }: RefusedEdit, paint: Paint): string[] {
  return [
    `${migration} was edited since it was applied (\`lockstep repair --accept ${revision}\` records it as it is now):`,
    ...[up, down].flatMap((difference) => (difference ? differenceLines(difference, paint) : [])),
  ];
}

const STYLES = { '-': 'red', '+': 'green' } as const;

function differenceLines({ file, diff, reason }: Difference, paint: Paint): string[] {
  if (!diff) return [`  ${file}: the difference cannot be shown, ${reason}`];
  const styled = diff.map((line) => {
    const style = STYLES[line[0] as keyof typeof STYLES];
    return `  ${style ? paint(style, line) : line}`.trimEnd();
  });
  return [`  ${paint('red', '--- as it was applied')}`, `  ${paint('green', `+++ ${file}`)}`, ...styled];
}

/** Of edits that keep `up` from running; a down script that differs does not. */
function refusal({ refused }: RepairResult): LockstepError | undefined {
  const edited = refused.filter(({ up }) => up);
  const [first] = edited;
  if (!first) return undefined;
  return new LockstepError('LS501', {
    what: `${some(edited.map(({ migration }) => migration))} was edited after it was applied, in more than layout and comments.`,
    state: 'The database is as the old text made it; the ledger still has that.',
    remedy: `Restore the file, and put the change into a new migration; or, if the database is to count as made by the new text, \`lockstep repair --accept ${first.revision}\`.`,
    context: { revision: first.revision, edited: edited.length },
  });
}
