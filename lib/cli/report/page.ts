/**
 * The report of a run: one file that needs no network and runs no script, to be kept with a release or sent to whoever asks.
 *
 * Invariants: everything in it comes from the ledger and is escaped; what the browser may load is nothing (its policy says so
 * in the page itself). Times are those of the database's clock.
 */
import type { RunEvent, RunTimeline } from '../../engine/index.ts';
import { duration } from '../frame/format.ts';
import { happened, runFacts } from '../frame/run-lines.ts';
import { type Html, html } from './html.ts';
import { STYLE } from './style.ts';

export interface Report extends RunTimeline {
  readonly target: string;
  /** What it applied, by the migration's name; a large script is not kept. */
  readonly sql: ReadonlyMap<string, string>;
}

export function page({ target, run, events, sql }: Report): string {
  const title = `Run ${run.runId} of ${target}`;
  return `${
    html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title} <span class="verdict ${run.verdict}">${run.verdict}</span></h1>
<dl>
${runFacts(run).map(([name = '', value = '']) => html`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>
<h2>What to do next</h2>
<p>${nextOf(run)}</p>
<h2>Timeline</h2>
${timeline({ run, events })}
<h2>Strong locks</h2>
${locks(events)}
<h2>Statements</h2>
${statements(sql)}
</body>
</html>
`.text
  }`;
}

function nextOf({ verdict, error, command }: Report['run']): string {
  const again =
    command === null
      ? 'run `lockstep up` again: it goes on after the last migration that is applied'
      : 'run the same command again, when its own tool says that it may go on';
  const section = /^LS\d{3}/.exec(error ?? '')?.[0];
  switch (verdict) {
    case 'applied':
      return 'Nothing is to be done.';
    case 'reverted':
      return 'What it applied is taken back. Correct what made it fail, and start a new run.';
    case 'running':
      return '`lockstep status` tells whether it is still at work. If nobody is, the next run goes on where it ended.';
    case 'failed':
      return `\`lockstep status\` tells what is true now. Correct the cause, then ${again}.${section === undefined ? '' : ` The runbook has a section ${section}.`}`;
    default:
      return verdict satisfies never;
  }
}

interface Bar {
  readonly event: RunEvent;
  readonly fromMs: number;
  readonly durationMs: number;
}

/** A step lasts until the next thing began, or until the run ended. */
export function bars({ run, events }: RunTimeline): {
  readonly bars: readonly Bar[];
  readonly totalMs: number;
} {
  const offset = (at: string): number => Date.parse(at) - Date.parse(run.startedAt);
  const last = events.at(-1);
  const lastMs = last ? offset(last.at) + (last.durationMs ?? 0) : 0;
  const endMs = Math.max(lastMs, run.finishedAt === null ? 0 : offset(run.finishedAt));
  const found = events.map((event, i) => {
    const fromMs = offset(event.at);
    const next = events[i + 1];
    return { event, fromMs, durationMs: event.durationMs ?? (next ? offset(next.at) : endMs) - fromMs };
  });
  return { bars: found, totalMs: endMs };
}

function timeline(run: RunTimeline): Html {
  const { bars: all, totalMs } = bars(run);
  if (all.length === 0) return html`<p>It wrote nothing to the ledger.</p>`;
  const percent = (ms: number): string => ((100 * ms) / Math.max(1, totalMs)).toFixed(2);
  const row = ({ event, fromMs, durationMs }: Bar): Html => html`<tr>
<td class="at">+${duration(fromMs)}</td><td>${event.migration}</td><td>${happened(event)}</td>
<td class="bar"><span style="margin-left:${percent(fromMs)}%;width:${percent(durationMs)}%"></span></td></tr>`;
  return html`<table><thead><tr><th>From</th><th>Migration</th><th>What</th><th>${duration(totalMs)} in all</th></tr></thead>
<tbody>
${all.map(row)}
</tbody></table>`;
}

function locks(events: readonly RunEvent[]): Html {
  const held = events
    .flatMap(({ migration, locks: of }) => of.map((lock) => ({ migration, ...lock })))
    .toSorted((a, b) => b.heldMs - a.heldMs);
  if (held.length === 0) return html`<p>None on tables that were there before.</p>`;
  return html`<table><thead><tr><th>Held at most</th><th>Mode</th><th>Relation</th><th>Migration</th><th>Waited before</th><th>Tries</th></tr></thead>
<tbody>
${held.map((lock) => html`<tr><td class="at">${duration(lock.heldMs)}</td><td>${lock.mode}</td><td>${lock.relation}</td><td>${lock.migration}</td><td>${duration(lock.waitedMs)}</td><td>${lock.tries}</td></tr>`)}
</tbody></table>`;
}

function statements(sql: Report['sql']): Html {
  if (sql.size === 0) return html`<p>None are kept: it applied nothing, or what is too large to keep.</p>`;
  return html`${[...sql].map(([migration, text]) => html`<details><summary>${migration}</summary><pre>${text}</pre></details>`)}`;
}
