import { test } from 'vitest';
import { runSection } from './console.ts';

const SECTIONS = [
  'Looking at everything',
  'Files that were edited after they were applied',
  'Whether the database is what the ledger says',
  'Trying it without keeping it',
  'What would be sent',
];

/** Each command is a process. */
const TIME_LIMIT_MS = 120_000;

test.each(SECTIONS)('care.md: %s', (title) => runSection('docs/care.md', title), TIME_LIMIT_MS);
