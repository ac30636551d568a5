import { page } from '../core/report/index.ts';
import { readRunReport } from '../engine/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { hazardsOfKept } from './frame/kept-hazards.ts';
import { targetContext } from './frame/target-context.ts';
import { writeOut } from './frame/write-file.ts';

interface ReportOptions {
  readonly run: string;
  readonly out: string;
}

export async function runsReport(context: CommandContext<ReportOptions>): Promise<CommandResult> {
  const target = targetContext(context);
  const { run: runId, out } = context.options;
  const report = await readRunReport(target, runId);
  const hazards = await hazardsOfKept(report.sql);
  await writeOut(out, page({ ...report, hazards, target: target.target }));
  return {
    text: `Wrote the report of run ${runId} to ${out}.`,
    json: { target: target.target, run: runId, file: out },
  };
}
