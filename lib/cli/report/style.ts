import { Html } from './html.ts';

/** Follows the reader's choice of light or dark; tables scroll by themselves where the screen is narrow. */
export const STYLE = new Html(`
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { font-weight: 600; } dd { margin: 0; }
table { border-collapse: collapse; display: block; overflow-x: auto; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: normal; } .at { white-space: nowrap; font-variant-numeric: tabular-nums; }
.bar { min-width: 12rem; width: 40%; } .bar span { display: block; height: .9rem; min-width: 2px; background: #4a7dbd; border-radius: 2px; }
.verdict { font-size: .8rem; padding: .15rem .5rem; border-radius: 1rem; color: #fff; background: #666; vertical-align: middle; }
.verdict.applied { background: #20733b; } .verdict.failed { background: #b3261e; }
pre { white-space: pre-wrap; background: color-mix(in srgb, currentColor 8%, transparent); padding: .6rem; border-radius: 4px; }
summary { cursor: pointer; padding: .2rem 0; }
`);
