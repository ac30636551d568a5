/** The page of a run, from values. */
import { describe, expect, it } from 'vitest';
import { html } from '../../lib/cli/report/html.ts';
import { bars, page } from '../../lib/cli/report/page.ts';
import type { RunEvent, RunSummary } from '../../lib/engine/types.ts';

const RUN: RunSummary = {
  runId: 'release-1',
  holder: 'host:1:a',
  token: 3,
  bundleDigest: 'd',
  restorePoint: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:02.000Z',
  verdict: 'applied',
  error: null,
  forced: null,
  command: null,
  entryCount: 1,
};

const event = (second: string, more: Partial<RunEvent> = {}): RunEvent => ({
  at: `2026-01-01T00:00:0${second}Z`,
  kind: 'applied',
  migration: '0001_a',
  step: null,
  state: null,
  direction: null,
  keys: null,
  durationMs: null,
  locks: [],
  ...more,
});

it('escapes what is put into a page, but not the page itself', () => {
  const inner = html`<b>${'<&"\'>'}</b>`;
  expect(html`<p>${inner}${[inner, html`x`]}${7}</p>`.text).toBe(
    '<p><b>&lt;&amp;&quot;&#39;&gt;</b><b>&lt;&amp;&quot;&#39;&gt;</b>\nx7</p>',
  );
});

it('keeps backslashes of SQL as they are', () => {
  expect(html`${'\\d+ \\n'}`.text).toBe('\\d+ \\n');
});

describe('the bars of the timeline', () => {
  it('an entry lasts as long as it says, a step until the next thing began', () => {
    const step = event('0.500', { kind: 'step', step: 1, state: 'done' });
    const found = bars({ run: RUN, events: [step, event('1.200', { durationMs: 300 })] });
    expect(found.totalMs).toBe(2_000);
    expect(found.bars.map(({ fromMs, durationMs }) => [fromMs, durationMs])).toEqual([
      [500, 700],
      [1_200, 300],
    ]);
  });

  it('of a run that has not ended go to the last thing that is known', () => {
    const found = bars({ run: { ...RUN, finishedAt: null }, events: [event('1.000', { durationMs: 250 })] });
    expect(found.totalMs).toBe(1_250);
    expect(bars({ run: { ...RUN, finishedAt: null }, events: [] })).toEqual({ bars: [], totalMs: 0 });
  });
});

describe('the page', () => {
  const text = (run: Partial<RunSummary>): string =>
    page({ target: 'orders', run: { ...RUN, ...run }, events: [], sql: new Map() });

  it('says what is to be done next, by the verdict', () => {
    expect(text({})).toContain('<p>Nothing is to be done.</p>');
    expect(text({ verdict: 'running', finishedAt: null })).toContain('`lockstep status` tells');
    expect(text({ verdict: 'reverted' })).toContain('taken back');
    const failed = text({ verdict: 'failed', error: 'LS603: column "x" does not exist' });
    expect(failed).toContain('The runbook has a section LS603.');
    expect(failed).toContain('run `lockstep up` again');
    const command = text({ verdict: 'failed', error: 'LS801: x', command: 'alembic' });
    expect(command).toContain('<dt>Command</dt><dd>alembic</dd>');
    expect(command).not.toContain('lockstep up');
    expect(failed).toContain('column &quot;x&quot; does not exist');
  });

  it('of a run that wrote nothing says so in each of its parts', () => {
    expect(text({})).toMatch(/wrote nothing[\s\S]*None on tables[\s\S]*None are kept/);
  });
});
