import { test } from 'vitest';
import { followExample } from './example.ts';

test.each(['A database that was there before', 'Out of order', 'Repeatable objects'])(
  'the example of "%s" does what the page says',
  (title) => followExample('docs/history.md', title),
);
