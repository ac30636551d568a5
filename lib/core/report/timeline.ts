/** When a run did what: a bar for each entry and step, and a line before it for as long as it waited for its locks. */
import { epochMs } from '../iso-time.ts';
import { duration } from '../words.ts';
import { type Html, html, NOTHING } from './html.ts';
import type { RunEvent, RunSummary } from './run.ts';
import { happened } from './words.ts';

export interface Timeline {
  readonly run: RunSummary;
  /** Oldest first. */
  readonly events: readonly RunEvent[];
}

interface Bar {
  readonly event: RunEvent;
  readonly fromMs: number;
  readonly durationMs: number;
  /** Right before it. */
  readonly waitedMs: number;
}

/** A step lasts until the next thing began, or until the run ended. */
export function bars({ run, events }: Timeline): { readonly bars: readonly Bar[]; readonly totalMs: number } {
  const offset = (at: string): number => Math.max(0, epochMs(at) - epochMs(run.startedAt));
  const last = events.at(-1);
  const lastMs = last ? offset(last.at) + (last.durationMs ?? 0) : 0;
  const endMs = Math.max(lastMs, run.finishedAt === null ? 0 : offset(run.finishedAt));
  const found = events.map((event, i) => {
    const fromMs = offset(event.at);
    const next = events[i + 1];
    const durationMs = event.durationMs ?? (next ? offset(next.at) : endMs) - fromMs;
    const waitedMs = Math.min(fromMs, Math.max(0, ...event.locks.map((lock) => lock.waitedMs)));
    return { event, fromMs, durationMs, waitedMs };
  });
  return { bars: found, totalMs: endMs };
}

/** Less could not be seen. */
const LEAST_PERCENT = 0.8;
/** To look who is in the way takes a moment, too. */
const WORTH_SHOWING_MS = 100;

export function timeline(of: Timeline): Html {
  const { bars: all, totalMs } = bars(of);
  if (all.length === 0) return html`<p>It wrote nothing to the ledger.</p>`;
  const half = duration(totalMs / 2);
  return html`<p class="axis" aria-hidden="true"><span>0</span><span>${half}</span><span>${duration(totalMs)}</span></p>
<ol class="timeline">
${all.map((bar) => item(bar, Math.max(1, totalMs)))}
</ol>`;
}

function item({ event, fromMs, durationMs, waitedMs }: Bar, totalMs: number): Html {
  const percent = (ms: number): number => Math.min(100, (100 * ms) / totalMs);
  const width = Math.max(LEAST_PERCENT, percent(durationMs));
  const left = Math.min(percent(fromMs), 100 - width);
  const waited = waitedMs >= WORTH_SHOWING_MS;
  const before = percent(waitedMs);
  const line = waited
    ? html`<rect class="wait" x="${at(left - before)}%" y="5" width="${at(before)}%" height="2"/>`
    : NOTHING;
  return html`<li class="${event.kind}">
<span class="name">${event.migration}</span>
<span class="what">+${duration(fromMs)} · ${happened(event)}${waited ? `, after waiting ${duration(waitedMs)} for locks` : ''}</span>
<svg aria-hidden="true" width="100%" height="12"><rect class="track" width="100%" height="12" rx="3"/>${line}<rect class="bar" x="${at(left)}%" width="${at(width)}%" height="12" rx="3"/></svg>
</li>`;
}

const at = (percent: number): string => Math.max(0, percent).toFixed(2);
