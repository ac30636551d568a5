import { loadParser } from '../adapters/libpg-query/index.ts';
import { asLockstepError, LockstepError } from '../core/errors/index.ts';
import { type VerifyResult, verify as verifyDatabase } from '../engine/index.ts';
import { openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';
import type { Paint } from './frame/terminal.ts';

export async function verify(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const files = await tryOpen(context);
  const result = await verifyDatabase({ ...target, source: files.source, loadParser });
  const notChecked = [
    ...result.notChecked,
    ...(result.notChecked.length > 0 && files.problem ? [`The files: ${files.problem}`] : []),
  ];
  return {
    text: lines({ ...result, notChecked }, target.target, context.terminal.out.paint).join('\n'),
    json: { target: target.target, ...result, notChecked },
    error: amiss(result, target.target),
  };
}

/** The ledger has nearly everything that is needed; the files are for what was too large for it. */
async function tryOpen({ options }: CommandContext) {
  try {
    return { source: await openSource(options), problem: undefined };
  } catch (error) {
    return { source: undefined, problem: asLockstepError(error).what };
  }
}

function lines(
  { findings, objects, migrations, notChecked }: VerifyResult,
  target: string,
  paint: Paint,
): string[] {
  const looked = `${count(objects, 'object')} of ${count(migrations, 'applied migration')}, indexes, constraints, partitions, unfinished steps`;
  const found = findings.flatMap(({ what, remedy }) => [`  ${what}`, `    ${paint('dim', remedy)}`]);
  return [
    findings.length === 0
      ? `All is well in ${target}: ${looked}.`
      : `${count(findings.length, 'thing')} amiss in ${target} (${looked}):`,
    ...found,
    ...(notChecked.length > 0 ? ['Not checked:', ...notChecked.map((sentence) => `  ${sentence}`)] : []),
  ];
}

function amiss({ findings }: VerifyResult, target: string): LockstepError | undefined {
  const [first] = findings;
  if (!first) return undefined;
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : '';
  return new LockstepError('LS508', {
    what: `${target} is not as it should be: ${first.what.replace(/\.$/, '')}${more}.`,
    state: 'Nothing was changed; the app may work or not.',
    remedy: first.remedy,
    context: { findings: findings.length },
  });
}
