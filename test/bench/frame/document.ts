import { writePart as writeInDocument } from '../../support/document-part.ts';

/** Into docs/performance.md. `part` is a case's letter, or `run` and `targets` of the whole run. */
export const writePart = (part: string, markdown: string): void =>
  writeInDocument('docs/performance.md', `bench ${part}`, markdown);
