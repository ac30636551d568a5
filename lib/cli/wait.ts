import { migrationName } from '../core/plan/index.ts';
import { waitUntilApplied } from '../engine/index.ts';
import { openSource, readDuration } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count, duration } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

const TIMEOUT = { name: '--timeout', defaultMs: 600_000 };

interface WaitOptions {
  readonly timeout?: string;
  readonly all?: true;
}

/** An app that lives with what expand made is ready; contract may have to wait until older instances are gone. */
export async function wait(context: CommandContext<WaitOptions>): Promise<CommandResult> {
  const problems: string[] = [];
  const timeoutMs = readDuration(context.options.timeout, TIMEOUT, problems);
  const target = targetContext(context, problems);
  const source = await openSource(context.options);
  const phase = context.options.all ? undefined : ('expand' as const);
  const { plan, waitedMs } = await waitUntilApplied({ ...target, source, phase, timeoutMs });
  const { outcome, appliedCount } = plan;
  const heldBack = plan.heldBack.map(migrationName);
  const what = heldBack.length > 0 ? 'Everything but contract migrations' : 'Everything';
  return {
    text: `${what} is applied to ${target.target} (${count(appliedCount, 'migration')}), waited ${duration(waitedMs)}.`,
    json: { target: target.target, outcome, appliedCount, heldBack, waitedMs: Math.round(waitedMs) },
  };
}
