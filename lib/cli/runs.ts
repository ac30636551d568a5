/** `runs` lists the runs of the ledger, `runs show` tells what one of them did, and when. */
import { type RunEvent, type RunSummary, readRuns, readRunTimeline } from '../engine/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { count, duration, table } from './frame/format.ts';
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

const lasted = ({ startedAt, finishedAt }: RunSummary): string =>
  finishedAt === null ? 'not ended' : duration(Date.parse(finishedAt) - Date.parse(startedAt));

interface ShowOptions {
  readonly run: string;
}

export async function runsShow(context: CommandContext<ShowOptions>): Promise<CommandResult> {
  const target = targetContext(context);
  const { run, events } = await readRunTimeline(target, context.options.run);
  const text = [...table(facts(run)), '', ...timeline(run, events)].join('\n');
  return { text, json: { target: target.target, run, events } };
}

function facts(run: RunSummary): string[][] {
  const { runId, holder, token, bundleDigest, restorePoint, startedAt, finishedAt, verdict, forced } = run;
  return [
    ['Run', runId],
    ['Verdict', verdict],
    ...(run.error === null ? [] : [['', run.error]]),
    ['Began', startedAt],
    ['Ended', finishedAt === null ? 'not yet, or without a word' : `${finishedAt}, after ${lasted(run)}`],
    ['Holder', `${holder}, token ${token}`],
    ['Bundle', bundleDigest],
    ['Restore point', restorePoint ?? 'none'],
    ...(forced === null ? [] : [['By force', `contracted past ${forced}`]]),
  ];
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

function happened({ kind, step, state, direction, keys, durationMs }: RunEvent): string {
  if (kind !== 'step') return durationMs === null ? kind : `${kind} in ${duration(durationMs)}`;
  const way = direction === 'down' ? ' of the down script' : '';
  const far = keys === null ? '' : `, ${count(keys, 'key')} up to here`;
  return `step ${step}${way}${state === 'done' ? ' done' : ' begun, its end is not recorded'}${far}`;
}
