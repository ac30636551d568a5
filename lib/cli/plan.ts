import {
  type Hazard,
  type Migration,
  migrationName,
  type Plan,
  type RunPhase,
  refusal,
} from '../core/plan/index.ts';
import { readPlan } from '../engine/index.ts';
import { openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count, some } from './frame/format.ts';
import { heldBackLine } from './frame/held-back.ts';
import { targetContext } from './frame/target-context.ts';
import type { Paint } from './frame/terminal.ts';

export async function plan(context: CommandContext<{ readonly phase?: RunPhase }>): Promise<CommandResult> {
  const target = targetContext(context);
  const source = await openSource(context.options);
  const { plan } = await readPlan({ ...target, source, phase: context.options.phase });
  // Compiled also to find what is wrong with a file before anything runs.
  const pending = await source.load(plan.pending.map((p) => p.revision));
  return {
    text: lines(plan, pending, target.target, context.terminal.out.paint).join('\n'),
    json: document(plan, pending, target.target),
    error: refusal(plan),
  };
}

function lines(plan: Plan, pending: readonly Migration[], target: string, paint: Paint): string[] {
  const notes = [
    ...noteOf('Ahead of these migrations', plan.ahead),
    ...noteOf(
      'Edited since applied, in layout or comments only (`lockstep repair` records it)',
      plan.cosmetic,
    ),
    ...(plan.heldBack.length > 0 ? [heldBackLine(plan)] : []),
  ];
  switch (plan.outcome) {
    case 'refused':
      return [
        `Nothing can be applied to ${target}:`,
        ...plan.problems.map((p) => `  ${p.kind.padEnd(10)}  ${migrationName(p)}`),
        ...notes,
      ];
    case 'pending':
      return [
        `${count(pending.length, 'migration')} to apply to ${target}:`,
        ...pending.flatMap((m) => describe(m, paint)),
        ...notes,
      ];
    case 'ahead':
    case 'nothing-pending':
      return [
        `Nothing to apply to ${target}: ${count(plan.appliedCount, 'migration')} applied, none pending.`,
        ...notes,
      ];
    default:
      return plan.outcome satisfies never;
  }
}

const noteOf = (what: string, migrations: readonly { revision: string; slug: string }[]): string[] =>
  migrations.length > 0 ? [`${what}: ${some(migrations.map(migrationName))}.`] : [];

function describe(migration: Migration, paint: Paint): string[] {
  const reversible = migration.down ? '' : ', no down file';
  return [
    `  ${migrationName(migration)}  ${paint('dim', migration.phase + reversible)}`,
    ...migration.hazards.map((hazard) => `    ${hazardLine(migration.up.file, hazard, paint)}`),
  ];
}

const hazardLine = (file: string, { class: kind, line, message, advice }: Hazard, paint: Paint): string =>
  `${paint('yellow', kind)} ${file}:${line}: ${message} ${advice}`;

function document(plan: Plan, pending: readonly Migration[], target: string): Record<string, unknown> {
  return {
    target,
    outcome: plan.outcome,
    pending: pending.map(({ revision, slug, phase, hazards, down }) => ({
      revision,
      slug,
      phase,
      reversible: down !== undefined,
      hazards,
    })),
    appliedCount: plan.appliedCount,
    ahead: plan.ahead.map(migrationName),
    cosmetic: plan.cosmetic.map(migrationName),
    heldBack: plan.heldBack.map(migrationName),
    problems: plan.problems,
  };
}
