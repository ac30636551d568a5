import { expect, test } from 'vitest';
import { EVENT_SOURCE, EventType, verdictSchema } from '../../lib/core/rollout/index.ts';
import { codeBlocks, readDocument } from './markdown.ts';

const PATH = 'docs/events.md';
const [example, pattern] = codeBlocks(PATH, 'json').map((block) => JSON.parse(block));

test('the example is an event as the workflow sends it', () => {
  expect(example).toMatchObject({ source: EVENT_SOURCE, 'detail-type': EventType.rollBack });
  expect(verdictSchema.strict().parse(example.detail)).toEqual(example.detail);
});

test('the table lists every field of the detail and no other', () => {
  const listed = [...readDocument(PATH).matchAll(/^\| `(\w+)` *\| (?:string|number|object)/gm)].map(
    ([, name]) => name ?? '',
  );
  expect(listed.toSorted()).toEqual(Object.keys(verdictSchema.shape).toSorted());
});

test('the rule matches the events of one target', () => {
  expect(pattern).toEqual({
    source: [EVENT_SOURCE],
    'detail-type': [EventType.rollOut],
    detail: { target: [example.detail.target] },
  });
});
