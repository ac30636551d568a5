/** What the page says of tests and mutants is there: each is a link whose text is in the file that it leads to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MUTANTS } from '../faults/mutants/index.ts';
import { MODEL_MUTANTS } from '../model/searches.ts';
import { readDocument } from './markdown.ts';

const PATH = 'docs/guarantees.md';
const DOCS = join(import.meta.dirname, '../../docs');

/** Of links into tests and models; line breaks of the page are blanks. */
const links = [...readDocument(PATH).matchAll(/\[([^\]]+)\]\(((?:\.\.\/test|model)\/[^)#]+)\)/g)].map(
  ([, text, file]) => ({ text: text!.replaceAll(/\s+/g, ' '), file: file! }),
);

/** Links whose text says what the file is, not what is in it. */
const WHOLE_FILES = ['mutants', 'chosen at random', 'a model', 'one suite'];

test('each test, scenario and mutant that the page names is in the file that it leads to', () => {
  const named = links.filter(({ text }) => !WHOLE_FILES.includes(text));
  expect(named.length).toBeGreaterThan(50);
  const missing = named.filter(({ text, file }) => !readFileSync(join(DOCS, file), 'utf8').includes(text));
  expect(missing).toEqual([]);
});

test('each mutant has its place on the page', () => {
  const names = [...Object.values(MUTANTS).flat(), ...MODEL_MUTANTS].map(({ name }) => name);
  const shown = new Set(links.map(({ text }) => text));
  expect(names.filter((name) => !shown.has(name))).toEqual([]);
});
