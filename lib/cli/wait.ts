import { waitUntilApplied } from '../engine/index.ts';
import { openSource, readDuration } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count, duration } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

const TIMEOUT = { name: '--timeout', defaultMs: 600_000 };

export async function wait(context: CommandContext<{ readonly timeout?: string }>): Promise<CommandResult> {
  const problems: string[] = [];
  const timeoutMs = readDuration(context.options.timeout, TIMEOUT, problems);
  const target = targetContext(context, problems);
  const source = await openSource(context.options);
  const { plan, waitedMs } = await waitUntilApplied({ ...target, source, timeoutMs });
  const { outcome, appliedCount } = plan;
  return {
    text: `Everything is applied to ${target.target} (${count(appliedCount, 'migration')}), waited ${duration(waitedMs)}.`,
    json: { target: target.target, outcome, appliedCount, waitedMs: Math.round(waitedMs) },
  };
}
