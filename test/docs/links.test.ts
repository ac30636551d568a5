import { expect, test } from 'vitest';
import { brokenLinks, documents } from './markdown.ts';

test('every relative link in a document leads to a file, and to a heading if it names one', () => {
  expect(documents()).toContain('README.md');
  expect(documents().flatMap(brokenLinks)).toEqual([]);
});
