/** What a run executed, each migration with its hazards. */
import type { Hazard } from '../plan/bundle.ts';
import { count } from '../words.ts';
import { type Html, html, NOTHING } from './html.ts';

export interface Executed {
  /** In its canonical form, by the migration's name; a large script is not kept. */
  readonly sql: ReadonlyMap<string, string>;
  /** Of the same migrations; lines are those of `sql`. Undefined: nobody could look. */
  readonly hazards: ReadonlyMap<string, readonly Hazard[]> | undefined;
}

/** More of them at once are hard to look through. */
const MOST_OPEN = 5;

export function statements({ sql, hazards }: Executed): Html {
  if (sql.size === 0) return html`<p>None are kept: it applied nothing, or what is too large to keep.</p>`;
  const open = sql.size <= MOST_OPEN ? html` open` : NOTHING;
  return html`${[...sql].map(([migration, text]) => {
    const found = hazards?.get(migration) ?? [];
    return html`<details${open}><summary><span class="name">${migration}</span>${badge(found)}</summary>
${found.length === 0 ? NOTHING : html`<ul class="hazards">${found.map(hazardItem)}</ul>`}
<pre role="region" aria-label="SQL of ${migration}" tabindex="0"><code>${text.trimEnd()}</code></pre></details>`;
  })}`;
}

const CLASS_WORDS = { destructive: 'destructive', 'rewrites-table': 'rewrites a table' } as const;

const badge = (found: readonly Hazard[]): Html =>
  found.length === 0 ? NOTHING : html` <span class="badge warn">${count(found.length, 'hazard')}</span>`;

const hazardItem = (hazard: Hazard): Html =>
  html`<li class="${hazard.class}"><span class="badge ${hazard.class === 'destructive' ? 'bad' : 'warn'}">${CLASS_WORDS[hazard.class]}</span> ${hazard.message} <span class="advice">${hazard.advice}</span></li>`;
