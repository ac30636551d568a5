import { migrationName, type RunPhase, refusal } from '../core/plan/index.ts';
import { type Preview, type PreviewedMigration, previewPlan } from '../engine/index.ts';
import { openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { countNames } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

/** `plan --sql`. */
export async function planSql(
  context: CommandContext<{ readonly phase?: RunPhase }>,
): Promise<CommandResult> {
  const target = targetContext(context);
  const source = await openSource(context.options);
  const preview = await previewPlan({ ...target, source, phase: context.options.phase });
  return {
    text: page(preview, target.target).join('\n'),
    json: {
      target: target.target,
      outcome: preview.plan.outcome,
      problems: preview.plan.problems,
      migrations: preview.migrations,
    },
    error: refusal(preview.plan),
  };
}

function page({ plan, migrations }: Preview, target: string): string[] {
  if (plan.outcome === 'refused')
    return [
      `-- Nothing can be applied to ${target}: ${plan.problems.map((p) => `${p.kind} ${migrationName(p)}`).join(', ')}.`,
    ];
  if (migrations.length === 0) return [`-- Nothing to apply to ${target}.`];
  return [
    `-- ${countNames(migrations.map(({ migration }) => migration))} to apply to ${target}, as \`lockstep up\` would send them.`,
    "-- :token and :run stand for the attempt's own; a blank line ends each message.",
    ...migrations.flatMap(migrationLines),
  ];
}

const KINDS = {
  transaction: 'one transaction, one message',
  alone: 'outside a transaction, because PostgreSQL refuses it in one',
  batches: 'in batches, each a transaction',
} as const;

function migrationLines({ migration, phase, steps }: PreviewedMigration): string[] {
  return steps.flatMap(({ kind, isDone, messages }, index) => {
    const step = steps.length > 1 ? `, step ${index + 1} of ${steps.length}` : '';
    const title = `-- ${migration} (${phase})${step}: ${isDone ? 'done by an earlier attempt' : KINDS[kind]}`;
    const all = messages.flatMap(({ purpose, sql }) => [
      ...(messages.length > 1 ? [`-- ${purpose}`] : []),
      `${sql};`,
      '',
    ]);
    return ['', title, ...all].slice(0, -1);
  });
}
