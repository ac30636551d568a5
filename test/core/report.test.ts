/** The page of a run, from values. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { html, sentence } from '../../lib/core/report/html.ts';
import { bars, page, type Report, type RunEvent, type RunSummary } from '../../lib/core/report/index.ts';

const RUN: RunSummary = {
  runId: 'release-1',
  holder: 'host:1:a',
  token: 3,
  bundleDigest: 'd',
  restorePoint: null,
  beganAtLsn: '0/16B3748',
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:02.000Z',
  verdict: 'applied',
  error: null,
  forced: null,
  command: null,
  histories: null,
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

it('shows what stands in backticks as a command', () => {
  expect(sentence('Run `lockstep up`, <then> `wait`.').text).toBe(
    'Run <code>lockstep up</code>, &lt;then&gt; <code>wait</code>.',
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

const NOTHING_DONE: Report = { target: 'orders', run: RUN, events: [], sql: new Map(), hazards: new Map() };

describe('the page', () => {
  const text = (run: Partial<RunSummary>, more: Partial<Report> = {}): string =>
    page({ ...NOTHING_DONE, run: { ...RUN, ...run }, ...more });

  it('says what is to be done next, by the verdict', () => {
    expect(text({})).toContain('<p>Nothing is to be done.</p>');
    expect(text({ verdict: 'running', finishedAt: null })).toContain('<code>lockstep status</code> tells');
    expect(text({ verdict: 'reverted' })).toContain('taken back');
    const failed = text({ verdict: 'failed', error: 'LS603: column "x" does not exist' });
    expect(failed).toContain('The runbook has a section LS603.');
    expect(failed).toContain('run <code>lockstep up</code> again');
    expect(failed).not.toContain('restore plan');
    expect(failed).toContain('<dt>Error</dt><dd>LS603: column &quot;x&quot; does not exist</dd>');
    const command = text({ verdict: 'failed', error: 'LS801: x', command: 'alembic' });
    expect(command).toContain('<dt>Command</dt><dd>alembic</dd>');
    expect(command).not.toContain('lockstep up');
  });

  it.each([
    'it was stopped from outside',
    'its lease was released by force, by ann@desk',
    'LS605: interrupted',
  ])('of a run that others ended says that nothing has to be corrected: %s', (error) => {
    const stopped = text({ verdict: 'failed', error });
    expect(stopped).toContain(
      `<p class="lead">${error.startsWith('it') ? `I${error.slice(1)}.` : error}</p>`,
    );
    expect(stopped).toContain('Nothing has to be corrected: a new run goes on');
    expect(stopped).toContain('<code>lockstep down --run release-1</code>');
    expect(stopped).not.toContain('Correct the cause');
    const command = text({ verdict: 'failed', error, command: 'alembic' });
    expect(command).toContain('It was stopped: run the same command again');
  });

  it('names the way back to a restore point, and never a run that a shell would take for more than a word', () => {
    const failed = { verdict: 'failed', error: 'LS601: x', restorePoint: 'snap-1' } as const;
    expect(text(failed)).toContain('<code>lockstep restore plan release-1</code>');
    expect(text({ ...failed, runId: 'a; rm x' })).toContain('<code>lockstep restore plan RUN</code>');
  });

  it('of a run of the workflow says what its verdict says', () => {
    const verdict = { message: 'LS601: no.', state: 'Nothing stays.', next: 'Mend it: `lockstep up`.' };
    const told = text({ verdict: 'reverted', error: 'LS601: other' }, { verdict });
    expect(told).toContain('<p class="lead">LS601: no.</p>');
    expect(told).toContain('<p>Nothing stays.</p><p>Mend it: <code>lockstep up</code>.</p>');
  });

  it('of a run that wrote nothing says so in each of its parts', () => {
    expect(text({})).toMatch(/wrote nothing[\s\S]*None are kept[\s\S]*None on tables/);
  });

  it('shows locks, the longest first, with how long they were waited for', () => {
    const lock = { relation: 'public.a', mode: 'EXCLUSIVE', heldMs: 5, waitedMs: 0, tries: 1 };
    const long = { ...lock, relation: 'public.b', heldMs: 4_000, waitedMs: 1_500, tries: 3 };
    const shown = text({}, { events: [event('1.600', { durationMs: 300, locks: [lock, long] })] });
    expect(shown).toMatch(/<td>4\.0 s<\/td><td>1\.5 s<\/td><td>3<\/td>[\s\S]*public\.a/);
    expect(shown).toContain('applied in 300 ms, after waiting 1.5 s for locks');
    expect(shown).toContain('<rect class="wait" x="5.00%" y="5" width="75.00%" height="2"/>');
  });

  it('shows hazards beside what has them, and says when nobody looked for any', () => {
    const hazard = {
      rule: 'drop-table',
      class: 'destructive',
      line: 1,
      message: 'DROP <a>.',
      advice: 'No.',
    } as const;
    const sql = new Map([['0001_a', 'DROP TABLE a;\n']]);
    const shown = text({}, { sql, hazards: new Map([['0001_a', [hazard]]]) });
    expect(shown).toContain('<span class="badge bad">destructive</span> DROP &lt;a&gt;.');
    expect(shown).toContain('<dt>Hazards</dt><dd>1</dd>');
    expect(text({}, { sql, hazards: undefined })).toContain('<dt>Hazards</dt><dd>not looked for</dd>');
  });

  it('lets only its own styles count', () => {
    const [, styles = ''] = /<style>([\s\S]*)<\/style>/.exec(text({})) ?? [];
    const hash = createHash('sha256').update(styles).digest('base64');
    expect(text({})).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
    );
    expect(text({})).not.toContain('style=');
  });

  it('nothing that a run has can be markup, wherever it stands', () => {
    const evil = '"><img src=x onerror=alert(1)></code></pre><script>alert(1)</script>\u202e';
    const lock = { relation: evil, mode: evil, heldMs: 1, waitedMs: 500, tries: 1 };
    const hazard = { rule: evil, class: 'destructive', line: 1, message: evil, advice: evil } as const;
    const facts = {
      runId: evil,
      holder: evil,
      bundleDigest: evil,
      restorePoint: evil,
      error: evil,
      forced: evil,
    };
    const shown = page({
      target: evil,
      run: { ...RUN, ...facts, command: evil, verdict: 'failed' },
      events: [event('1.000', { migration: evil, durationMs: 1, locks: [lock] })],
      sql: new Map([[evil, evil]]),
      hazards: new Map([[evil, [hazard]]]),
      verdict: { message: evil, state: evil, next: evil },
    });
    expect(shown).not.toMatch(/<img|<script|\u202e/);
    expect(shown).toContain('&lt;/script&gt;[U+202e]');
  });
});
