/** docs/performance.md: each part that the bench writes is between two comments that name it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCUMENT = join(import.meta.dirname, '../../../docs/performance.md');

/** `part` is a case's letter, or `run` and `targets` of the whole run. */
export function writePart(part: string, markdown: string): void {
  const begin = `<!-- bench ${part} -->`;
  const end = `<!-- bench ${part}: end -->`;
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${DOCUMENT} has no place for ${part}: ${begin} … ${end}`);
  writeFileSync(DOCUMENT, `${before}${begin}\n\n${markdown.trim()}\n\n${end}${after}`);
}
