/** `runs` lists the runs of the ledger, `runs show` tells what one of them did, and when. */

import { happened, lasted, runFacts } from '../core/report/words.ts';
import { type RunEvent, type RunSummary, readRuns, readRunTimeline } from '../engine/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { duration, table } from './frame/format.ts';
import { heldLockLine } from './frame/lock-lines.ts';
import { targetContext } from './frame/target-context.ts';

export async function runsList(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const runs = await readRuns(target);
  const text =
    runs.length === 0 ? `No run is recorded in ${target.target}.` : table(runs.map(listed)).join('\n');
  return { text, json: { target: target.target, runs } };
}

function listed(run: RunSummary): string[] {
  const { startedAt, verdict, entryCount, error, runId } = run;
  const code = error === null ? '' : ` (${codeIn(error)})`;
  const entries = entryCount === 1 ? '1 entry' : `${entryCount} entries`;
  return [startedAt, `${verdict}${code}`, lasted(run), entries, runId];
}

/** An operator's words have none. */
const codeIn = (error: string): string => /^LS\d{3}/.exec(error)?.[0] ?? 'ended from outside';

interface ShowOptions {
  readonly run: string;
}

export async function runsShow(context: CommandContext<ShowOptions>): Promise<CommandResult> {
  const target = targetContext(context);
  const { run, events } = await readRunTimeline(target, context.options.run);
  const text = [...table(runFacts(run)), '', ...timeline(run, events)].join('\n');
  return { text, json: { target: target.target, run, events } };
}

/** By its offset from the begin of the run; the locks of an entry or step are below it. */
function timeline(run: RunSummary, events: readonly RunEvent[]): string[] {
  const since = (at: string): string => `+${duration(Date.parse(at) - Date.parse(run.startedAt))}`;
  const rows = events.flatMap((event): string[][] => [
    [since(event.at), event.migration, happened(event)],
    ...event.locks.map((lock) => ['', '', heldLockLine(lock)]),
  ]);
  const end = run.finishedAt === null ? [] : [[since(run.finishedAt), 'end of the run', run.verdict]];
  return table([['+0 ms', 'begin of the run', ''], ...rows, ...end]);
}
