/** The work of `lockstep up` and what is told of it. `up.ts` loads it while the connection is made. */
import { migrationName } from '../core/plan/catalog.ts';
import type { MigrateOptions, MigrateResult } from '../engine/index.ts';
// Not from the index of the engine: most starts find nothing to do.
import { migrate } from '../engine/migrate.ts';
import type { CommandResult } from './frame/context.ts';
import { count, countNames, duration, some } from './frame/format.ts';
import { heldBackLine } from './frame/held-back.ts';

/** Throws what `migrate` throws. */
export async function applyAsked(options: MigrateOptions): Promise<CommandResult> {
  const result = await migrate(options);
  return { text: sentences(result, options.target).join('\n'), json: document(result, options.target) };
}

function sentences(result: MigrateResult, target: string): string[] {
  const { plan, applied, outOfOrder } = result;
  const cosmetic = plan.cosmetic.map(migrationName);
  const lines = [headline(result, target), ...applied.map((name) => `  ${name}`)];
  if (outOfOrder.length > 0) lines.push(`Out of order, after higher ones: ${some(outOfOrder)}.`);
  if (cosmetic.length > 0) {
    lines.push(`Edited since they were applied, in layout or comments only: ${some(cosmetic)}.`);
  }
  if (plan.halfAhead.length > 0) {
    lines.push(`Half applied, and not in these migrations: ${some(plan.halfAhead.map(migrationName))}.`);
  }
  if (plan.heldBack.length > 0) lines.push(heldBackLine(plan));
  return lines;
}

function headline(
  { outcome, plan, applied, ran, waitedMs, appliedBy }: MigrateResult,
  target: string,
): string {
  switch (outcome) {
    case 'applied':
      return ran
        ? `Applied ${countNames(applied)} to ${target}:`
        : `Nothing left to apply to ${target}: ${appliedBy === null ? 'another process' : `the run ${appliedBy}`} applied it while this one waited ${duration(waitedMs)}.`;
    case 'nothing-pending':
      return `Nothing to apply to ${target}: ${count(plan.appliedCount, 'migration')} applied, none pending.`;
    case 'ahead':
      return (
        `Nothing to apply: ${target} is ahead of these migrations by ${some(plan.ahead.map(migrationName))}, ` +
        'as it is after a roll-back of the app.'
      );
    default:
      return outcome satisfies never;
  }
}

function document(result: MigrateResult, target: string): Record<string, unknown> {
  const { outcome, ran, applied, outOfOrder, plan, waitedMs, appliedBy, token, tookOverFrom } = result;
  return {
    target,
    outcome,
    ran,
    applied,
    outOfOrder,
    appliedCount: plan.appliedCount,
    ahead: plan.ahead.map(migrationName),
    halfAhead: plan.halfAhead.map(migrationName),
    cosmetic: plan.cosmetic.map(migrationName),
    heldBack: plan.heldBack.map(migrationName),
    waitedMs: Math.round(waitedMs),
    appliedBy,
    token,
    tookOverFrom,
  };
}
