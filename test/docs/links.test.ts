import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { brokenLinks, documents, readDocument } from './markdown.ts';

test('every relative link in a document leads to a file, and to a heading if it names one', () => {
  expect(documents()).toContain('README.md');
  expect(documents().flatMap(brokenLinks)).toEqual([]);
});

test('every file of tests that a document names is there', () => {
  const named = documents().flatMap((path) =>
    [...readDocument(path).matchAll(/`(test\/[\w./-]+\.ts)`/g)].map(([, file]) => `${path}: ${file}`),
  );
  expect(named).not.toEqual([]);
  const root = join(import.meta.dirname, '..', '..');
  expect(named.filter((each) => !existsSync(join(root, each.split(': ')[1]!)))).toEqual([]);
});
