import { Html } from './html.ts';

/**
 * Follows the reader's choice of light or dark. Colours have at least 4.5:1 on what is behind them (the browser suite
 * measures it), and none of them says anything that no word says. What is wide scrolls in a box of its own.
 */
export const STYLE = new Html(`
:root {
  color-scheme: light dark;
  --page: #f4f6f9; --card: #fff; --text: #1b2330; --soft: #55606f; --line: #dde2ea; --inset: #f2f4f8;
  --blue: #2f6fdf; --track: #e8ecf3; --wait: #8b97a8;
  --good: #14602f; --good-back: #dcf3e3; --good-bar: #2e9e5b;
  --bad: #9f1a14; --bad-back: #fde6e3; --bad-bar: #d3382f;
  --warn: #734700; --warn-back: #fcefd2; --warn-bar: #c98a14;
  --calm: #3b4657; --calm-back: #e6eaf1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1218; --card: #161b23; --text: #e4e9f0; --soft: #9eabbb; --line: #2a323e; --inset: #10151c;
    --blue: #6ea3ff; --track: #242c38; --wait: #78859a;
    --good: #86dfaa; --good-back: #12321f; --good-bar: #3fb873;
    --bad: #ffa49b; --bad-back: #401815; --bad-bar: #ef6459;
    --warn: #f1c46c; --warn-back: #3a2a0b; --warn-bar: #d99e2b;
    --calm: #c5cedb; --calm-back: #262f3c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: anywhere; -webkit-text-size-adjust: 100%; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 1rem; display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
header, section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem 1.5rem; }
h1, h2, p, dl, dd, ol, ul, pre { margin: 0; }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; margin-bottom: .75rem; }
code, pre, .name, .id { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
p code, li code { font-size: .9em; background: var(--calm-back); padding: .1em .35em; border-radius: 4px; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; }

header { border-top: 4px solid var(--wait); }
header.applied { border-top-color: var(--good-bar); } header.failed { border-top-color: var(--bad-bar); } header.reverted { border-top-color: var(--warn-bar); }
.kind { color: var(--soft); font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; }
.title { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; margin-top: .25rem; }
.verdict, .badge { font-size: .85rem; font-weight: 600; padding: .1rem .65rem; border-radius: 1rem; background: var(--calm-back); color: var(--calm); }
.applied .verdict { background: var(--good-back); color: var(--good); }
.failed .verdict, .badge.bad { background: var(--bad-back); color: var(--bad); }
.reverted .verdict, .badge.warn { background: var(--warn-back); color: var(--warn); }
.id { color: var(--soft); font-size: .85rem; margin-top: .15rem; }
.lead { font-size: 1.1rem; margin-top: 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem 1.5rem; margin-top: 1.25rem; padding-top: 1rem; border-top: 1px solid var(--line); }
dt { color: var(--soft); font-size: .85rem; } .tiles dd { font-weight: 600; font-variant-numeric: tabular-nums; } .tiles div:last-child { grid-column: span 2; }

.next { border-left: 4px solid var(--blue); }
.next p + p { margin-top: .5rem; } .next ol { padding-left: 1.25rem; display: grid; gap: .4rem; }

.axis { display: flex; justify-content: space-between; margin-left: 19rem; color: var(--soft); font-size: .8rem; font-variant-numeric: tabular-nums; }
.timeline { list-style: none; padding: 0; }
.timeline li { display: grid; grid-template-columns: 18rem minmax(0, 1fr); gap: 0 1rem; align-items: center; padding: .5rem 0; border-top: 1px solid var(--line); }
.timeline .name { font-size: .9rem; font-weight: 600; } .timeline .what { color: var(--soft); font-size: .85rem; }
.timeline .name, .timeline .what { grid-column: 1; } .timeline .step .name { font-weight: 400; }
.timeline svg { grid-column: 2; grid-row: 1 / span 2; display: block; }
.track { fill: var(--track); } .bar { fill: var(--blue); } .wait { fill: var(--wait); } .applied .bar { fill: var(--good-bar); } .reverted .bar { fill: var(--warn-bar); }

details + details { margin-top: .5rem; }
summary { cursor: pointer; padding: .35rem 0; } summary .name { font-size: .9rem; font-weight: 600; }
.badge { font-size: .78rem; padding: .05rem .5rem; white-space: nowrap; }
.hazards { list-style: none; padding: 0; margin: .25rem 0 .75rem; display: grid; gap: .5rem; } .advice { display: block; color: var(--soft); font-size: .9rem; }
pre { background: var(--inset); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; font-size: .85rem; line-height: 1.5; overflow: auto; max-height: 26rem; overflow-wrap: normal; tab-size: 4; }

.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .5rem 1rem .5rem 0; border-top: 1px solid var(--line); } thead th { border-top: 0; color: var(--soft); font-size: .85rem; font-weight: 400; }
tbody th { font-weight: 400; } tbody code { font-size: .9rem; font-weight: 600; } td { white-space: nowrap; }
.mode, .by { display: block; color: var(--soft); font-size: .85rem; }

.facts { display: grid; gap: .35rem; } .facts div { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 0 1rem; } .facts dd { font-size: .95rem; }
footer { max-width: 62rem; margin: 0 auto; padding: 0 1rem 2rem; color: var(--soft); font-size: .85rem; }

@media (max-width: 44rem) {
  main { padding: .75rem .5rem; gap: .75rem; } header, section { padding: 1rem; border-radius: 8px; }
  h1 { font-size: 1.4rem; } .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .75rem; }
  .axis { margin-left: 0; }
  .timeline li { grid-template-columns: minmax(0, 1fr); } .timeline svg { grid-column: 1; grid-row: auto; margin-top: .35rem; }
  th, td { padding-right: .6rem; } td { white-space: normal; } thead th { font-size: .78rem; }
  .facts { gap: .75rem; } .facts div { grid-template-columns: minmax(0, 1fr); }
}
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --text: #000; --soft: #444; --line: #bbb; --inset: #fff; --track: #eee; --good: #14602f; --good-back: #fff; --bad: #9f1a14; --bad-back: #fff; --warn: #734700; --warn-back: #fff; --calm: #222; --calm-back: #fff; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; } header, section { border: 0; border-radius: 0; padding: .5rem 0; } li, tr { break-inside: avoid; } h2 { break-after: avoid; }
  pre { max-height: none; overflow: visible; white-space: pre-wrap; overflow-wrap: anywhere; } details::details-content { content-visibility: visible; block-size: auto; } .bar, .track, .wait { print-color-adjust: exact; }
}
`);
