/** The results in docs/performance.md, each case between two comments that name it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCUMENT = join(import.meta.dirname, '../../../docs/performance.md');

export function writeResult(letter: string, markdown: string): void {
  const begin = `<!-- bench ${letter}: written by npm run bench -- --write -->`;
  const end = `<!-- bench ${letter}: end -->`;
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${DOCUMENT} has no place for ${letter}: ${begin} … ${end}`);
  writeFileSync(DOCUMENT, `${before}${begin}\n\n${markdown.trim()}\n\n${end}${after}`);
}
