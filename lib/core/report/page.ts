/** The page of a run, put together. */
import { createHash } from 'node:crypto';
import { inWords, nameList, were } from '../rollout/verdict-shape.ts';
import { duration } from '../words.ts';
import { Html, html, sentence } from './html.ts';
import { heldLocks, locks } from './locks.ts';
import { nextSteps } from './next.ts';
import type { RunVerdict } from './run.ts';
import { type Executed, statements } from './statements.ts';
import { STYLE } from './style.ts';
import { type Timeline, timeline } from './timeline.ts';
import { lasted, runFacts } from './words.ts';

export interface Report extends Timeline, Executed {
  readonly target: string;
  /** Of a run of the workflow, which knows more than the ledger: what happened, what is true now, what to do next. */
  readonly verdict?: { readonly message: string; readonly state: string; readonly next: string } | undefined;
}

const STYLE_HASH = createHash('sha256').update(STYLE.text).digest('base64');
/** Nothing is loaded or executed or sent, whatever got into the page; and of styles only the page's own count. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`;

export function page(report: Report): string {
  const { target, run, events } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Run ${run.runId} of ${target}: ${LABELS[run.verdict]}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${header(report)}
<section class="next" aria-labelledby="next"><h2 id="next">What to do next</h2>
${next(report)}</section>
${section('timeline', 'Timeline', timeline(report))}
${section('statements', 'Statements and hazards', statements(report))}
${section('locks', 'Strong locks', locks(events))}
${section('run', 'The run', facts(report))}
</main>
<footer>Written by Lockstep from the ledger of ${target}. Times are UTC, by the clock of the database.</footer>
</body>
</html>
`.text;
}

const LABELS: Readonly<Record<RunVerdict, string>> = {
  applied: 'Applied',
  failed: 'Failed',
  reverted: 'Taken back',
  running: 'Not ended',
};

const section = (id: string, title: string, content: Html): Html =>
  html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}
</section>`;

function header(report: Report): Html {
  const { target, run } = report;
  return html`<header class="${run.verdict}">
<p class="kind">Lockstep run report</p>
<div class="title"><h1>${target}</h1><p class="verdict">${LABELS[run.verdict]}</p></div>
<p class="id">${run.runId}</p>
<p class="lead">${sentence(lead(report))}</p>
<dl class="tiles">
${tiles(report).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
</dl>
</header>`;
}

/** What happened, in a sentence. */
function lead({ verdict, run, events }: Report): string {
  if (verdict) return verdict.message;
  if (run.error !== null) return asSentence(run.error);
  if (run.command !== null) return run.command;
  const entries = events.filter(({ kind }) => kind !== 'step');
  const done = [...new Set(entries.map(({ kind }) => kind))].map((kind) => {
    const names = nameList(entries.filter((e) => e.kind === kind).map(({ migration }) => migration));
    return `${inWords(names)} ${were(names)} ${kind}.`;
  });
  return done.length === 0 ? 'It wrote nothing to the ledger.' : done.join(' ');
}

/** What others record of a run that could not do so itself is the end of one: `it was stopped from outside`. */
const asSentence = (error: string): string => (error.startsWith('it') ? `I${error.slice(1)}.` : error);

function tiles({ run, events, hazards }: Report): readonly (readonly [string, string])[] {
  const held = heldLocks(events);
  const waitedMs = Math.max(0, ...held.map((lock) => lock.waitedMs));
  const found = [...(hazards?.values() ?? [])].reduce((sum, of) => sum + of.length, 0);
  return [
    ['Took', lasted(run)],
    ['Entries in the ledger', String(run.entryCount)],
    ['Longest strong lock', held[0] ? duration(held[0].heldMs) : 'none'],
    ['Longest wait for locks', held[0] ? duration(waitedMs) : 'none'],
    ['Hazards', hazards === undefined ? 'not looked for' : String(found)],
    ['Restore point', run.restorePoint ?? 'none'],
  ];
}

function next({ verdict, run }: Report): Html {
  if (verdict) return html`<p>${sentence(verdict.state)}</p><p>${sentence(verdict.next)}</p>`;
  const [only = '', ...more] = nextSteps(run);
  if (more.length === 0) return html`<p>${sentence(only)}</p>`;
  return html`<ol>${[only, ...more].map((step) => html`<li>${sentence(step)}</li>`)}</ol>`;
}

function facts({ run }: Report): Html {
  return html`<dl class="facts">
${runFacts(run).map(([name = '', value = '']) => html`<div><dt>${name || 'Error'}</dt><dd>${value}</dd></div>`)}
</dl>`;
}
