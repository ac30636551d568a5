/** Text of a page: whatever is put into it is escaped, unless it is such text itself. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What turns the direction of the text around it: a name must not rearrange what stands beside it. */
const INVISIBLE = /[\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

type Part = string | number | Html | readonly Html[];

export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(String.raw({ raw: pieces }, ...parts.map(textOf)));
}

export const NOTHING = html``;

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('\n');
  return String(part)
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)
    .replaceAll(INVISIBLE, (character) => `[U+${character.codePointAt(0)!.toString(16).padStart(4, '0')}]`);
}

/** A sentence in which commands stand in backticks. */
export function sentence(text: string): Html {
  const parts = text.split('`');
  return html`${parts.map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`)).reduce(glue, NOTHING)}`;
}

const glue = (left: Html, right: Html): Html => html`${left}${right}`;
