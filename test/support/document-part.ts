/** Parts of documents that a program writes: each is between two comments that name it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** `document`: its path from the repository's root. Throws when it has no place for the part. */
export function writePart(document: string, part: string, markdown: string): void {
  const begin = `<!-- ${part} -->`;
  const end = `<!-- ${part}: end -->`;
  const path = join(ROOT, document);
  const [before, rest] = readFileSync(path, 'utf8').split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${document} has no place for ${part}: ${begin} … ${end}`);
  writeFileSync(path, `${before}${begin}\n\n${markdown.trim()}\n\n${end}${after}`);
}
