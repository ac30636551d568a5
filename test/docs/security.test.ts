/** docs/security.md: the tests that it names exist, and each threat has one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDocument } from './markdown.ts';

const [, table = ''] = /^(\| threat [\s\S]*?)\n\n/m.exec(readDocument('docs/security.md')) ?? [];
const threats = table.split('\n').slice(2);

test('there are threats', () => {
  expect(threats.length).toBeGreaterThan(8);
});

test.each(threats)('%s', (row) => {
  const named = [...row.matchAll(/`(test\/[\w/.-]+\.(?:test|suite)\.ts)`/g)].map(([, path]) => path ?? '');
  expect(named).not.toEqual([]);
  for (const path of named) expect(existsSync(join(import.meta.dirname, '..', '..', path)), path).toBe(true);
});
