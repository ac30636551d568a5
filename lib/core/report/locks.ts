/** The strong locks that a run held, the longest first. */
import { duration } from '../words.ts';
import { type Html, html } from './html.ts';
import type { RunEvent } from './run.ts';

export const heldLocks = (events: readonly RunEvent[]) =>
  events
    .flatMap(({ migration, locks }) => locks.map((lock) => ({ migration, ...lock })))
    .toSorted((a, b) => b.heldMs - a.heldMs);

export function locks(events: readonly RunEvent[]): Html {
  const held = heldLocks(events);
  if (held.length === 0) return html`<p>None on tables that were there before.</p>`;
  return html`<div class="wide" role="region" aria-label="Strong locks" tabindex="0"><table>
<thead><tr><th scope="col">Lock</th><th scope="col">Held at most</th><th scope="col">Waited before</th><th scope="col">Tries</th></tr></thead>
<tbody>
${held.map(
  ({ relation, mode, migration, heldMs, waitedMs, tries }) =>
    html`<tr><th scope="row"><code>${relation}</code><span class="mode">${mode}</span><span class="by">by ${migration}</span></th><td>${duration(heldMs)}</td><td>${duration(waitedMs)}</td><td>${tries}</td></tr>`,
)}
</tbody></table></div>`;
}
