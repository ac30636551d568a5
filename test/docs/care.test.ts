import { test } from 'vitest';
import { runSection } from './console.ts';

const SECTIONS = ['Files that were edited after they were applied'];

test.each(SECTIONS)('care.md: %s', (title) => runSection('docs/care.md', title));
