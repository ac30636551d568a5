import { loadParser } from '../adapters/libpg-query/index.ts';
import { diagnose, type Judgement, type Level, nextStep } from '../core/diagnosis/index.ts';
import { asLockstepError, ExitCode } from '../core/errors/index.ts';
import { type ExamineOptions, examine } from '../engine/index.ts';
import { openLeases, openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { table } from './frame/format.ts';
import { targetContext, titleOf } from './frame/target-context.ts';
import type { Paint, Style } from './frame/terminal.ts';

export async function doctor(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const facts = await examine({
    ...target,
    leases: await openLeases(target.lease),
    migrations: await tryOpen(context),
    loadParser,
    wallClockMs: Date.now,
  });
  const findings = diagnose(facts);
  const next = nextStep(findings);
  const { paint } = context.terminal.out;
  return {
    text: [
      paint('bold', titleOf(target)),
      '',
      ...lines(findings, paint),
      '',
      `${paint('bold', 'Next:')} ${next}`,
    ].join('\n'),
    json: { target: target.target, findings, next },
    exitCode: findings.some(({ level }) => level === 'problem') ? ExitCode.failed : ExitCode.done,
  };
}

/** Whoever is on call may have no checkout at hand; files that were asked for, or that are broken, are another matter. */
async function tryOpen({ options }: CommandContext): Promise<ExamineOptions['migrations']> {
  try {
    return { value: await openSource(options) };
  } catch (thrown) {
    const error = asLockstepError(thrown);
    const isAsked = options.migrations !== undefined || options.bundle !== undefined;
    return error.code === 'LS103' && !isAsked ? { absent: error.what } : { error };
  }
}

const STYLES: Readonly<Record<Level, Style>> = { ok: 'green', note: 'yellow', problem: 'red' };

function lines(findings: readonly Judgement[], paint: Paint): string[] {
  const rows = table(findings.map(({ level, name, what }) => [level, name, what]));
  const indent = ' '.repeat(rows[0]?.indexOf(findings[0]?.what ?? '') ?? 0);
  return findings.flatMap(({ level, next, see }, i) => {
    const [row = ''] = rows.slice(i);
    const below = [...(next === null ? [] : [next]), ...(see === null ? [] : [`see ${see}`])];
    const shown = level === 'ok' ? [] : below.map((line) => paint('dim', `${indent}${line}`));
    return [paint(STYLES[level], level) + row.slice(level.length), ...shown];
  });
}
