import { foreignCommand } from '../adapters/process/foreign-command.ts';
import type { ForeignCommand } from '../core/foreign/index.ts';
import { type ExecResult, exec as execute } from '../engine/exec.ts';
import { newHolder, openLeases, readDuration } from '../settings/index.ts';
import type { CommandContext, CommandResult, TargetContext } from './frame/context.ts';
import { duration, some } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

interface ExecOptions {
  readonly command: readonly [string, ...string[]];
  readonly timeout?: string;
}

export interface Work extends TargetContext {
  readonly leases: Awaited<ReturnType<typeof openLeases>>;
  readonly command: ForeignCommand;
  readonly timeoutMs: number | undefined;
}

/** Standard output is the command's; with `--json` it is ours, and the command's goes to standard error. */
export async function exec(context: CommandContext<ExecOptions>): Promise<CommandResult> {
  const { options, env, terminal } = context;
  const problems: string[] = [];
  const timeoutMs =
    options.timeout === undefined ? undefined : readDuration(options.timeout, TIMEOUT, problems);
  const target = targetContext(context, problems);
  const leases = await openLeases(target.lease);
  // Set by the workflow that started this task.
  const inRun = env.LOCKSTEP_TASK_INPUT ? await import('./exec-in-run.ts') : undefined;
  const own = inRun ? inRun.environmentInRun(env, target.database) : env;
  const command = foreignCommand({
    argv: options.command,
    env: options.databaseUrl === undefined ? own : { ...own, DATABASE_URL: options.databaseUrl },
    output: options.json ? 'stderr' : 'stdout',
  });
  const work: Work = { ...target, leases, command, timeoutMs };
  const result = inRun
    ? await inRun.execInRun(env.LOCKSTEP_TASK_INPUT ?? '', work)
    : await execute({ ...work, holder: newHolder() });
  const told = options.json || result.error ? [] : lines(result, command.name);
  for (const line of told) terminal.err.line(line);
  return { text: '', json: document(result, command.name, target.target), error: result.error };
}

const TIMEOUT = { name: '--timeout', defaultMs: 0, leastMs: 1 };

/** Of one that failed, the error says it. */
function lines({ changes, durationMs }: ExecResult, name: string): string[] {
  const headline = `${name} finished in ${duration(durationMs)}.`;
  if (changes === undefined) return [headline, 'Its history could not be read.'];
  if (changes.length === 0) return [headline, 'No history table that Lockstep knows was changed.'];
  return [
    headline,
    ...changes.flatMap(({ tool, table, added, removed }) => [
      ...(added.length > 0 ? [`Added to ${table} (${tool}): ${some(added)}`] : []),
      ...(removed.length > 0 ? [`Removed from ${table} (${tool}): ${some(removed)}`] : []),
    ]),
  ];
}

const document = (result: ExecResult, command: string, target: string): Record<string, unknown> => ({
  target,
  command,
  outcome: result.error ? 'failed' : 'applied',
  exitCode: result.exitCode,
  histories: result.changes ?? null,
  durationMs: Math.round(result.durationMs),
  waitedMs: Math.round(result.waitedMs),
  token: result.token,
  tookOverFrom: result.tookOverFrom,
});
