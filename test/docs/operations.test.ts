/** docs/operations.md names everything that there is to look at, and nothing else. */
import { expect, test } from 'vitest';
import { QUERIES } from '../../lib/constructs/queries.ts';
import { Metric } from '../../lib/core/workflow/index.ts';
import { sectionsOf } from './markdown.ts';

const PATH = 'docs/operations.md';
const firstCells = (title: string): (string | undefined)[] => {
  const { text = '' } = sectionsOf(PATH).find((section) => section.title === title) ?? {};
  return [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name);
};

test('the table of metrics has every one of them', () => {
  expect(firstCells('Metrics').toSorted()).toEqual(Object.values(Metric).toSorted());
});

test('the table of saved queries has every one of them', () => {
  expect(firstCells('Logs')).toEqual(Object.keys(QUERIES));
});
