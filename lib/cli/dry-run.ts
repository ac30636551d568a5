import { pendingNames } from '../core/plan/index.ts';
import { type DryRunResult, dryRun as tryPending } from '../engine/index.ts';
import { newHolder, openLeases, openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { countNames, duration, some } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';
import { askedOf, type UpOptions } from './up-options.ts';

/** `up --dry-run`. */
export async function dryRun(context: CommandContext<UpOptions>): Promise<CommandResult> {
  const target = targetContext(context);
  const source = await openSource(context.options);
  const leases = await openLeases(target.lease);
  const asked = { ...target, source, leases, holder: newHolder(), ...askedOf(context.options) };
  const result = await tryPending(asked);
  return { text: lines(result, target.target).join('\n'), json: document(result, target.target) };
}

function lines({ plan, tried, leftOut, notTried, sequences }: DryRunResult, target: string): string[] {
  if (plan.outcome !== 'pending') return [`Nothing to try: no migration is pending in ${target}.`];
  return [
    `Tried ${countNames(tried.map(({ migration }) => migration))} on ${target}, and rolled back:`,
    ...tried.map(({ migration, durationMs }) => `  ${migration}  ${duration(durationMs)}`),
    ...leftOut.map(({ migration, step, why }) => `Step ${step} of ${migration} was not tried: ${why}.`),
    ...(notTried.length > 0 ? [`Not tried, because they come after that: ${some(notTried)}.`] : []),
    ...(sequences.length > 0 ? [`Not rolled back: ${some(sequences)} went on, as sequences do.`] : []),
  ];
}

const document = (
  { plan, tried, leftOut, notTried, sequences }: DryRunResult,
  target: string,
): Record<string, unknown> => ({
  target,
  outcome: plan.outcome,
  pending: pendingNames(plan),
  tried: tried.map(({ migration, durationMs }) => ({ migration, durationMs: Math.round(durationMs) })),
  leftOut,
  notTried,
  sequences,
});
