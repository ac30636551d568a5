import {
  type Hazard,
  type Migration,
  migrationName,
  type Plan,
  pendingNames,
  type Repeatable,
  type RunPhase,
  refusal,
  repeatableName,
} from '../core/plan/index.ts';
import { readPlan } from '../engine/index.ts';
import { openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult, TargetContext } from './frame/context.ts';
import { count, countNames, some } from './frame/format.ts';
import { heldBackLine } from './frame/held-back.ts';
import type { RehearsalOfPlan, rehearsalOfPlan } from './frame/rehearsal-of-plan.ts';
import { targetContext } from './frame/target-context.ts';
import type { Paint } from './frame/terminal.ts';

interface PlanOptions {
  readonly phase?: RunPhase;
  readonly sql?: true;
  readonly rehearsal?: string;
}

export async function plan(context: CommandContext<PlanOptions>): Promise<CommandResult> {
  if (context.options.sql) return (await import('./plan-sql.ts')).planSql(context);
  const target = targetContext(context);
  const source = await openSource(context.options);
  const { plan } = await readPlan({ ...target, source, phase: context.options.phase });
  // Compiled also to find what is wrong with a file before anything runs.
  const compiled = {
    pending: await source.load(plan.pending.map((p) => p.revision)),
    repeatables: await source.loadRepeatables(plan.repeatables.map(({ name }) => name)),
  };
  const about = { bundleDigest: source.digest, pending: pendingNames(plan) };
  const rehearsed = await rehearsalFor(context.options.rehearsal, about, target);
  const { rehearsal, mismatches } = rehearsed ?? {};
  return {
    text: lines(plan, compiled, { target: target.target, rehearsed }, context.terminal.out.paint).join('\n'),
    json: {
      ...document(plan, compiled, target.target),
      ...(rehearsal ? { rehearsal: { ...rehearsal, mismatches } } : {}),
    },
    error: refusal(plan),
  };
}

async function rehearsalFor(
  file: string | undefined,
  about: Parameters<typeof rehearsalOfPlan>[1],
  target: TargetContext,
) {
  if (file === undefined) return undefined;
  return (await import('./frame/rehearsal-of-plan.ts')).rehearsalOfPlan(file, about, target);
}

interface Compiled {
  readonly pending: readonly Migration[];
  readonly repeatables: readonly Repeatable[];
}

interface Shown {
  readonly target: string;
  readonly rehearsed: RehearsalOfPlan | undefined;
}

function lines(plan: Plan, { pending, repeatables }: Compiled, shown: Shown, paint: Paint): string[] {
  const { target, rehearsed } = shown;
  const of = (name: string) => (rehearsed?.linesOf(name) ?? []).map((line) => `    ${paint('dim', line)}`);
  const notes = [
    ...noteOf('Ahead of these migrations', plan.ahead),
    ...noteOf('Half applied, and not in these migrations', plan.halfAhead),
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
        `${countNames(pendingNames(plan))} to apply to ${target}:`,
        ...pending.flatMap((m) => [...describe(m, plan, paint), ...of(migrationName(m))]),
        ...repeatables.flatMap((r) => [...describeRepeatable(r, paint), ...of(repeatableName(r))]),
        ...(rehearsed?.lines ?? []),
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

function describe(migration: Migration, { outOfOrder }: Plan, paint: Paint): string[] {
  const gap = outOfOrder.find((p) => p.revision === migration.revision);
  const notes = [
    migration.phase,
    ...(migration.down ? [] : ['no down file']),
    ...(gap ? [`out of order, after ${gap.highestApplied}`] : []),
  ];
  return [
    `  ${migrationName(migration)}  ${paint('dim', notes.join(', '))}`,
    ...migration.hazards.map((hazard) => `    ${hazardLine(migration.up.file, hazard, paint)}`),
  ];
}

const describeRepeatable = (repeatable: Repeatable, paint: Paint): string[] => [
  `  ${repeatableName(repeatable)}  ${paint('dim', 'repeatable')}`,
  ...repeatable.hazards.map((hazard) => `    ${hazardLine(repeatable.script.file, hazard, paint)}`),
];

const hazardLine = (file: string, { class: kind, line, message, advice }: Hazard, paint: Paint): string =>
  `${paint('yellow', kind)} ${file}:${line}: ${message} ${advice}`;

function document(plan: Plan, { pending, repeatables }: Compiled, target: string): Record<string, unknown> {
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
    repeatables: repeatables.map(({ name, hazards }) => ({ name, hazards })),
    outOfOrder: plan.outOfOrder.map(migrationName),
    appliedCount: plan.appliedCount,
    ahead: plan.ahead.map(migrationName),
    halfAhead: plan.halfAhead.map(migrationName),
    cosmetic: plan.cosmetic.map(migrationName),
    heldBack: plan.heldBack.map(migrationName),
    problems: plan.problems,
  };
}
